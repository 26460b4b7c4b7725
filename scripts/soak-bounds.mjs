// SPDX-License-Identifier: MIT
// What a soak's figures must be. A figure that could not be taken is a bound that was missed, never one that was kept.

/** Memory may go up and down by 20 MB. */
const flatBytes = 40e6;
/** A test picture is made in real time, so a few of its pictures fall on either side of the ends. */
const leastCameraShare = 0.98;

/**
 * @typedef {{ name: string, value: number | null, bound: string, kept: boolean }} Bound
 * @param {string} name
 * @param {number | null | undefined} value
 * @param {number} most
 * @returns {Bound}
 */
const atMost = (name, value, most) => ({
  name,
  value: value ?? null,
  bound: `≤ ${most}`,
  kept: typeof value === 'number' && value <= most,
});

/** A process that is there for a part of the time (an encoder lives as long as its film) is judged once it was seen so often. */
const leastLooks = 3;

/**
 * How much memory of the processes of a name goes up and down, bytes: of one that was there all the time between its least and its most; of those that come and go between the largest of one and the
 * largest of another, since each begins small; one that has not ended yet may only be the largest, as it may still grow. Null when it cannot be told.
 * @param {readonly (readonly { pid: number, name: string, anonymousBytes: number }[])[]} samples
 * @param {string} name
 */
export function memoryRange(samples, name) {
  const of = new Map();
  for (const sample of samples)
    for (const { pid, name: whose, anonymousBytes } of sample)
      if (whose === name) of.set(pid, [...(of.get(pid) ?? []), anonymousBytes]);
  const all = [...of.values()];
  const last = new Set((samples.at(-1) ?? []).map(({ pid }) => pid));
  const ranges = all
    .filter((looks) => looks.length === samples.length && looks.length > 1)
    .map((looks) => Math.max(...looks) - Math.min(...looks));
  const passing = [...of]
    .filter(([, looks]) => looks.length < samples.length && looks.length >= leastLooks)
    .map(([pid, looks]) => ({ peak: Math.max(...looks), hasEnded: !last.has(pid) }));
  const whole = passing.filter(({ hasEnded }) => hasEnded).map(({ peak }) => peak);
  if (passing.length > 1 && whole.length > 0)
    ranges.push(Math.max(...passing.map(({ peak }) => peak)) - Math.min(...whole));
  return ranges.length === 0 ? null : Math.max(...ranges);
}

/** Memory of each process after its buffers have found their size: bytes between the least and the most. */
const memory = (processes) =>
  processes.map(({ name, memoryRangeBytes }) =>
    atMost(
      `memory of ${name}, MB between least and most`,
      memoryRangeBytes === null ? null : memoryRangeBytes / 1e6,
      flatBytes / 1e6,
    ),
  );

/** Bounds of one scope with the live picture and its traces. */
export function rigBounds(figures) {
  return [
    atMost('frames lost', figures.missing, 0),
    atMost('fullest buffer, of 128', figures.bufferHighWater, 16),
    atMost('event loop of the core p99, ms', figures.eventLoop.p99Ms, 10),
    atMost('event loop of the core max, ms', figures.eventLoop.maxMs, 50),
    atMost('age of the live picture p99, ms', figures.preview.p99Ms, 150),
    ...memory(figures.processes),
  ];
}

/** Bounds of several devices in one session folder. */
export function devicesBounds({ devices, processes, seconds, cameraFps }) {
  return [
    ...Object.entries(devices).flatMap(([name, report]) =>
      report.kind === 'camera'
        ? [
            atMost(`${name}: pictures without room`, report.knownMissing, 0),
            {
              name: `${name}: pictures saved`,
              value: report.saved,
              bound: `≥ ${Math.floor(seconds * cameraFps * leastCameraShare)}`,
              kept: report.stopped === null && report.saved >= Math.floor(seconds * cameraFps * leastCameraShare),
            },
          ]
        : [
            atMost(`${name}: frames lost`, report.missing, 0),
            atMost(`${name}: fullest buffer, of 128`, report.bufferHighWater, 16),
          ],
    ),
    ...memory(processes),
  ];
}

/** Bounds of the loop that takes payloads. */
export function endpointBounds(figures, payloads) {
  const { leastPending } = figures;
  return [
    atMost('payloads lost', figures.lostPayloads, 0),
    atMost('payloads that did not come', payloads - figures.payloads, 0),
    atMost('frames not right to the byte', figures.wrongFrames, 0),
    { name: 'fewest transfers pending, of 32', value: leastPending, bound: '≥ 8', kept: leastPending >= 8 },
  ];
}
