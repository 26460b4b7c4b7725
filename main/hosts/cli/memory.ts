// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';

const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/**
 * Bytes of `2G`, `1500M`, `2GiB` or a plain number.
 *
 * @throws AppError `usage.invalid`
 */
export function parseMemory(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const value = Math.round(Number(match?.[1]) * (units[(match?.[2] ?? '').toLowerCase()] ?? Number.NaN));
  if (Number.isSafeInteger(value) && value >= 64 * 1024 ** 2) return value;
  throw new AppError('usage.invalid', `--memory must be at least 64M, as in 2G or 1500M; it is “${text}”.`);
}
