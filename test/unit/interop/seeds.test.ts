// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { parametersFrom } from '../../../main/hosts/cli/run-request.ts';
import { seedsOfFile, seedsOutside } from '../../../main/interop/index.ts';
import { roiBytes } from '../../../main/interop/writers/roi-zip.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { sharedFolder, sharedMissing } from '../../support/shared.ts';

describe('cells marked beforehand', () => {
  it('are the centres of ImageJ outlines, as row and column', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'RoiSet.zip');
    // x 4 to 8, y 10 to 12: the pixels 4 … 7 and 10, 11.
    const box = [4, 10, 8, 10, 8, 12, 4, 12];
    const corners = Array.from({ length: 4 }, (_, i) => ({ x: box[2 * i] ?? 0, y: box[2 * i + 1] ?? 0 }));
    writeFileSync(place, zipSync({ '1.roi': roiBytes(corners, '1') }));
    expect(await seedsOfFile(place)).toEqual({ text: '10.5,5.5', count: 1, findings: [] });
    const given = await parametersFrom({ flags: { seeds: place }, absolute: (given) => given });
    expect(given['givenSeeds']).toBe('10.5,5.5');
  });

  it('are the columns x and y of a table, whatever stands between them; rows without a place are told', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'cells.csv');
    for (const separator of [',', ';', '\t']) {
      writeFileSync(
        place,
        [
          ['cell', 'X', 'Y'],
          ['0', '20.25', '3'],
          ['1', '', '4'],
          ['2', '7', '8'],
        ]
          .map((row) => row.join(separator))
          .join('\r\n'),
      );
      expect(await seedsOfFile(place)).toEqual({
        text: '3,20.3;8,7',
        count: 2,
        findings: ['1 of 3 rows have no place and were left out.'],
      });
    }
  });

  it('that are no marks, not there or all outside of the film are refused', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'cells.csv');
    const refused = async (text: string): Promise<string> => {
      writeFileSync(place, text);
      return await seedsOfFile(place).then(
        () => 'nothing',
        (error: unknown) => (error instanceof Error ? error.message : ''),
      );
    };
    expect(await refused('a,b\n1,2\n')).toContain('neither outlines of ImageJ nor a table with the columns x and y');
    expect(await refused('x,y\n')).toContain('it marks no cell');
    expect(await refused('')).toContain('neither outlines');
    expect(await refused(`x,y\n${'1,1\n'.repeat(20_001)}`)).toContain('at most 20000');
    expect(await refused('PK\u0003\u0004 cut off')).toContain('cells.csv cannot be read');
    await expect(seedsOfFile(path.join(root.path, 'none.zip'))).rejects.toMatchObject({ code: 'disk.io' });
    await expect(
      parametersFrom({ flags: { seeds: place, 'given-seeds': '1,1' }, absolute: (given) => given }),
    ).rejects.toMatchObject({ code: 'usage.invalid' });
    expect(seedsOutside('1,2;9,2;3,-1', { height: 5, width: 8 })).toBe(2);
    expect(() => seedsOutside('9,2', { height: 5, width: 8 })).toThrow('None of the 1 places lies in the frame');
  });

  it.skipIf(sharedMissing('data/real/daq-linear-track') !== undefined)(
    'of a person on a real recording are as many as were drawn',
    async () => {
      const { count, text } = await seedsOfFile(
        path.join(sharedFolder, 'data/real/daq-linear-track/grus/manual_score_DM.zip'),
      );
      expect(count).toBe(98);
      expect(seedsOutside(text, { height: 608, width: 608 })).toBe(0);
    },
  );
});
