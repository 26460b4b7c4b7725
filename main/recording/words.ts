// SPDX-License-Identifier: MIT

/** A time of a recording as `00:04:12`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** Bytes as `4.1 GB` or `612 MB`. */
export function bytesText(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(0, Math.round(bytes / 1e6))} MB`;
}

/** A length of time as `20 min` or `45 s`. */
export function lengthText(seconds: number): string {
  return seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds)} s`;
}

/** What a recording lacks, in words: nothing is said to be whole when a part of it is unknown. */
export function lossText(facts: {
  readonly saved: number;
  readonly expected: number | null;
  readonly missing: number | null;
  readonly knownMissing: number;
  readonly interruptions: readonly { readonly seconds: number }[];
  readonly blackFrames: number;
}): string {
  const { saved, expected, missing, knownMissing, interruptions, blackFrames } = facts;
  const black =
    blackFrames === 0
      ? ''
      : ` ${blackFrames} of them ${blackFrames === 1 ? 'is' : 'are'} black: the scope had no link.`;
  if (missing === 0) return saved === 0 ? 'No frame came.' : `All ${saved} frames are there.${black}`;
  if (missing !== null) {
    const gone = `${missing} of ${expected ?? saved} frames ${missing === 1 ? 'is' : 'are'} missing.`;
    return black === '' ? gone : `${gone} ${saved} are saved.${black}`;
  }
  const known = `${black}${knownMissing === 0 ? '' : ` At least ${knownMissing} ${knownMissing === 1 ? 'is' : 'are'} missing.`}`;
  if (interruptions.length === 0) {
    return `${saved} frames are saved; how many are missing is unknown, the board’s counter could not be read.${known}`;
  }
  const seconds = interruptions.reduce((sum, interruption) => sum + interruption.seconds, 0);
  const times = interruptions.length === 1 ? 'once' : `${interruptions.length} times`;
  return `${saved} frames are saved. The scope was away ${times}, ${seconds.toFixed(1)} s in all: how many frames were lost then is unknown.${known}`;
}

/** What else was wrong with a recording, in words; empty when nothing was. */
export function faultsText(facts: {
  readonly unreadCounters: number;
  readonly badOrientations: number;
  readonly corrupt: { readonly short: number; readonly unended: number; readonly badHeaders: number };
}): string {
  const { unreadCounters, badOrientations, corrupt } = facts;
  const broken = corrupt.short + corrupt.unended + corrupt.badHeaders;
  return [
    broken === 0 ? '' : ` ${broken} came broken.`,
    unreadCounters === 0
      ? ''
      : ` The board did not answer in time: ${unreadCounters} ${unreadCounters === 1 ? 'counter' : 'counters'} could not be read.`,
    badOrientations === 0
      ? ''
      : ` ${badOrientations} ${badOrientations === 1 ? 'orientation' : 'orientations'} came disturbed.`,
  ].join('');
}
