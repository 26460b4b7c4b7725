// SPDX-License-Identifier: MIT
import { access, realpath, statfs } from 'node:fs/promises';
import path from 'node:path';

/** What the file system is asked; tests give their own. */
export interface PlaceProbe {
  /** The file system's magic number, see statfs(2). */
  readonly kind: (folder: string) => Promise<number>;
  readonly exists: (file: string) => Promise<boolean>;
  /** The folder without symbolic links. */
  readonly real: (folder: string) => Promise<string>;
}

const system: PlaceProbe = {
  kind: async (folder) => (await statfs(folder)).type,
  exists: (file) =>
    access(file).then(
      () => true,
      () => false,
    ),
  real: realpath,
};

/** Magic numbers of Linux's network file systems (linux/magic.h); on other systems the number means something else and none fits. */
const networks: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x786f4256, 'a folder shared with a virtual machine'],
]);

/** Folders that services call their own, compared without case; what follows a space or a dash is the account. */
const syncFolders: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^dropbox( \(.*\)|$)/i, 'Dropbox'],
  [/^onedrive( - .*|$)/i, 'OneDrive'],
  [/^(icloud ?drive|mobile documents|com~apple~clouddocs)$/i, 'iCloud'],
  [/^nextcloud\d*$/i, 'Nextcloud'],
  [/^owncloud\d*$/i, 'ownCloud'],
  [/^(google ?drive|my drive|googledrive-.*)$/i, 'Google Drive'],
  [/^cloudstorage$/i, 'a cloud service'],
  [/^(box|box sync)$/i, 'Box'],
  [/^pcloud ?drive$/i, 'pCloud'],
];

/** What clients leave in the folders they synchronise, whatever these are called. */
const syncMarks: readonly (readonly [file: string, name: string])[] = [
  ['.dropbox', 'Dropbox'],
  ['.dropbox.cache', 'Dropbox'],
  ['.nextcloudsync.log', 'Nextcloud'],
  ['.owncloudsync.log', 'ownCloud'],
  ['.stfolder', 'Syncthing'],
  ['.tmp.drivedownload', 'Google Drive'],
];

/** What makes a place unfit for a library. */
export interface PlaceProblem {
  readonly kind: 'network' | 'sync';
  /** One sentence for people. */
  readonly message: string;
}

/** The nearest folder that is there: what is not made yet will lie on its disk. */
async function nearest(folder: string, probe: PlaceProbe): Promise<string> {
  for (let at = folder; ; at = path.dirname(at)) {
    if (await probe.exists(at)) return await probe.real(at);
    if (at === path.dirname(at)) return at;
  }
}

/**
 * Is a folder on a network disk, or does a service synchronise it? There SQLite's log and its locks do not work as on a disk of one's own:
 * a library can be damaged without a word (datamodel.md 7.3). Null where nothing is known against it.
 */
export async function placeProblem(folder: string, probe: PlaceProbe = system): Promise<PlaceProblem | null> {
  const there = await nearest(folder, probe);
  const isShare = /^(\\\\|\/\/)[^\\/?.]/.test(folder) || /^(\\\\|\/\/)[^\\/?.]/.test(there);
  const network = isShare ? 'a network share' : networks.get((await probe.kind(there).catch(() => 0)) >>> 0);
  if (network !== undefined)
    return {
      kind: 'network',
      message: `The library’s folder is on a network disk (${network}), where a database can be damaged by a lost connection or a second computer.`,
    };
  const service = await syncService(folder, there, probe);
  if (service === null) return null;
  return {
    kind: 'sync',
    message: `The library’s folder is synchronised by ${service}, which copies files while they are written and can damage a database.`,
  };
}

async function syncService(folder: string, there: string, probe: PlaceProbe): Promise<string | null> {
  for (const place of new Set([folder, there])) {
    for (const part of place.split(/[\\/]/)) {
      const found = syncFolders.find(([pattern]) => pattern.test(part));
      if (found !== undefined) return found[1];
    }
  }
  for (let at = there; at !== path.dirname(at); at = path.dirname(at))
    for (const [file, name] of syncMarks) if (await probe.exists(path.join(at, file))) return name;
  return null;
}
