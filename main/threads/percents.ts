// SPDX-License-Identifier: MIT

/** Passes on each whole percent of a step once: a thread that told every row would keep its caller busy with messages. */
export function inPercents(tell: (step: string, fraction: number) => void): (step: string, fraction: number) => void {
  let told = { step: '', percent: -1 };
  return (step, fraction) => {
    const percent = Math.floor(100 * fraction);
    if (step === told.step && percent === told.percent) return;
    told = { step, percent };
    tell(step, fraction);
  };
}
