// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { placeProblem, type PlaceProbe } from '../../../main/library/place.ts';

/** A file system of which some folders are there. */
function probe(
  options: { readonly kind?: number; readonly there?: readonly string[]; readonly links?: Record<string, string> } = {},
): PlaceProbe {
  const { kind = 0xef53, there = ['/', '/home', '/home/ann'], links = {} } = options;
  return {
    kind: () => Promise.resolve(kind),
    exists: (file) => Promise.resolve(there.includes(file) || file in links),
    real: (folder) => Promise.resolve(links[folder] ?? folder),
  };
}

describe('the place of a library', () => {
  it('on a disk of this computer is fine, also in a folder that only sounds like a service’s', async () => {
    for (const folder of ['/home/ann/calyx', '/home/ann/Dropboxes/lab', '/home/ann/boxes', '/data/nextcloud-export'])
      expect(await placeProblem(folder, probe()), folder).toBeNull();
  });

  it.each([
    [0x6969, 'NFS'],
    [0xff534d42, 'CIFS'],
    // As Node gives it where the number is signed.
    [-11_317_950, 'CIFS'],
    [0xfe534d42, 'SMB2'],
    [0x0bd00bd0, 'Lustre'],
  ])('on a network disk is told (%i)', async (kind, name) => {
    const problem = await placeProblem('/mnt/lab/not/made/yet', probe({ kind }));
    expect(problem).toMatchObject({ kind: 'network', message: expect.stringContaining(name) as string });
  });

  it('on a network share of Windows is told', async () => {
    expect(await placeProblem('\\\\server\\lab\\calyx', probe())).toMatchObject({ kind: 'network' });
  });

  it.each([
    ['/home/ann/Dropbox/calyx', 'Dropbox'],
    ['/home/ann/Dropbox (Lab)/calyx', 'Dropbox'],
    ['C:\\Users\\ann\\OneDrive - University\\calyx', 'OneDrive'],
    ['/Users/ann/Library/Mobile Documents/com~apple~CloudDocs/calyx', 'iCloud'],
    ['/home/ann/Nextcloud/calyx', 'Nextcloud'],
    ['/Users/ann/Library/CloudStorage/GoogleDrive-ann/calyx', 'a cloud service'],
  ])('in a synchronised folder is told (%s)', async (folder, name) => {
    expect(await placeProblem(folder, probe())).toMatchObject({
      kind: 'sync',
      message: expect.stringContaining(`synchronised by ${name},`) as string,
    });
  });

  it('in a folder that a client marked, or behind a link, is told too', async () => {
    const marked = probe({ there: ['/', '/data', '/data/team', '/data/team/.nextcloudsync.log'] });
    expect(await placeProblem('/data/team/calyx', marked)).toMatchObject({ kind: 'sync' });
    const linked = probe({ links: { '/home/ann/work': '/home/ann/Dropbox/work' } });
    expect(await placeProblem('/home/ann/work/calyx', linked)).toMatchObject({ kind: 'sync' });
  });
});
