// SPDX-License-Identifier: MIT
import type { Finding } from '../contract/index.ts';
import { readNumberTable } from './csv.ts';

const names = ['qw', 'qx', 'qy', 'qz'] as const;

/** A quaternion counts as measured when its norm is 1 within this. */
const normTolerance = 0.02;

/**
 * The text of a headOrientation.csv under the header it should have: releases of early 2020 wrote none and tabs (0.1), or left the time out of
 * it, so that each column stood under its neighbour's name (0.11 to 0.14).
 */
export function orientationText(text: string): string {
  const [first = '', second = ''] = text.replace(/^\uFEFF/, '').split(/\r?\n/, 2);
  const whole = `Time Stamp (ms),${names.join(',')}`;
  if (/^-?\d+(?:\t[^\t]+){4}$/.test(first)) return `${whole}\n${text.replace(/^\uFEFF/, '').replaceAll('\t', ',')}`;
  const isShifted =
    first.replaceAll(' ', '').toLowerCase() === names.join(',') && second.split(',').length === names.length + 1;
  return isShifted ? text.replace(/^[^\r\n]*/, whole) : text;
}

/** What such a text tells: how many of its quaternions are real. @throws AppError `session.bad_csv` */
export async function orientationFindings(text: string, where: string): Promise<readonly Finding[]> {
  const table = await readNumberTable(text, where, { required: names, allowNonFinite: true });
  const [qw, qx, qy, qz] = names.map((name) => table.columns.get(name) ?? new Float64Array());
  let unit = 0;
  for (let row = 0; row < table.rows; row += 1) {
    const norm = Math.hypot(qw?.[row] ?? 0, qx?.[row] ?? 0, qy?.[row] ?? 0, qz?.[row] ?? 0);
    if (Math.abs(norm - 1) <= normTolerance) unit += 1;
  }
  if (table.rows === 0)
    return [{ severity: 'info', code: 'orientation.empty', message: 'No head orientation was recorded.', where }];
  if (unit === 0) {
    return [
      {
        severity: 'info',
        code: 'orientation.none',
        message: 'No row holds a valid head orientation: the sensor was absent or silent.',
        where,
      },
    ];
  }
  if (unit === table.rows) return [];
  const share = ((100 * (table.rows - unit)) / table.rows).toFixed(1);
  return [
    {
      severity: 'warning',
      code: 'orientation.invalid',
      message: `${share} % of the head orientations are invalid.`,
      where,
    },
  ];
}
