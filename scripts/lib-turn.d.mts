// SPDX-License-Identifier: MIT
export function takeTurn(
  file: string,
  onWait: () => void,
  wait?: (ms: number) => Promise<unknown>,
): Promise<() => void>;
