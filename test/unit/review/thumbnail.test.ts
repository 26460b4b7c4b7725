// SPDX-License-Identifier: MIT
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLibrary } from '../../../main/library/index.ts';
import { shrink, Thumbnails } from '../../../main/review/thumbnail.ts';
import { newSession } from '../../support/library-data.ts';
import { newLibraryIn, temporaryFolder } from '../../support/library.ts';

it('a small picture keeps place and contrast, whatever the grey levels, and takes unknown pixels as black', () => {
  const [height, width] = [160, 320];
  const values = Float32Array.from({ length: height * width }, (_, i) => 1000 + (i % width));
  values[0] = Number.NaN;
  const small = shrink(values, height, width);
  expect([small.height, small.width, small.grey.length]).toEqual([32, 64, 2048]);
  const row = [...small.grey.subarray(64, 128)];
  expect(row).toEqual(row.toSorted((a, b) => a - b));
  expect([row[0], row[63]]).toEqual([0, 255]);
  expect(small.grey[0]).toBe(0);
});

describe('a session without a result', () => {
  const film = (): Promise<{ width: number; height: number; bytes: Uint8Array }> =>
    Promise.resolve({ width: 4, height: 2, bytes: Uint8Array.from([0, 10, 20, 30, 40, 50, 60, 70]) });
  const imported = async () => {
    const library = await openLibrary({ directory: newLibraryIn(temporaryFolder()) });
    onTestFinished(() => library.close());
    const { session } = await library.sessions.insert(newSession(1));
    return { library, sessionUuid: session.uuid };
  };

  it('has a picture of its film, read once, and says that no run made it', async () => {
    const { library, sessionUuid } = await imported();
    const asked: string[] = [];
    const thumbnails = new Thumbnails(library, (path) => {
      asked.push(path);
      return film();
    });
    const [first, second] = await Promise.all([thumbnails.of(sessionUuid), thumbnails.of(sessionUuid)]);
    expect(first).toMatchObject({ runUuid: null, picture: { width: 4, height: 2 } });
    expect([...(first?.picture.grey ?? [])]).toEqual([...(first?.picture.grey ?? [])].toSorted((a, b) => a - b));
    expect(second).toEqual(first);
    expect(asked).toEqual(['/recordings/s1/Miniscope/0.avi']);
  });

  it('has none while its film cannot be read, and one when it is back', async () => {
    const { library, sessionUuid } = await imported();
    let there = false;
    const thumbnails = new Thumbnails(library, () => (there ? film() : Promise.reject(new Error('no such file'))));
    expect(await thumbnails.of(sessionUuid)).toBeNull();
    there = true;
    expect(await thumbnails.of(sessionUuid)).toMatchObject({ runUuid: null });
  });
});
