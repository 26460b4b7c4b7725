// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { AppError } from '../contract/errors.ts';
import { type Contents, contentsName, headName, type PackedFile, recordsName } from './contents.ts';
import type { PackedResult, SourceFile, TravelJob } from './job.ts';
import { hashed, meter, type Watch } from './stream.ts';
import { TarWriter } from './tar.ts';

const plain = /^[A-Za-z0-9._/-]{1,60}$/;

/** Entry of a file: readable where its name allows it. */
function entryName({ path: inner, belongs }: SourceFile, index: number): string {
  const folder = belongs.to === 'edit' ? `edits/${belongs.uuid}` : belongs.to;
  return plain.test(inner) && !inner.includes('..') && belongs.to !== 'session'
    ? `${folder}/${inner}`.slice(0, 99)
    : `files/${index}`;
}

/** Writes a package from front to end, hashing on the way. @throws AppError `travel.damaged`, `media.*`, `rpc.cancelled`, `disk.io` */
export async function writePackage(
  job: Extract<TravelJob, { readonly type: 'pack' }>,
  watch: Watch,
): Promise<PackedResult> {
  const sources = [...job.sources];
  for (const { recordingUuid, films, fps, target, frames } of job.proxies) {
    // Only where a film is made: the thread starts for every package.
    const { writeProxy } = await import('../media/index.ts');
    const onFrame = meter(watch, 'film', frames);
    const made = await writeProxy({ films, fps, target, signal: watch.signal, onFrame: () => onFrame(1) });
    sources.push({
      source: target,
      path: `${recordingUuid}.avi`,
      belongs: { to: 'proxy', recordingUuid, frames: made.frames },
      sha256: null,
    });
  }
  const sizes = await Promise.all(sources.map(async ({ source }) => (await stat(source)).size));
  const onBytes = meter(
    watch,
    'write',
    sizes.reduce((sum, size) => sum + size, 0),
  );
  const file = await open(job.file, 'wx');
  try {
    const tar = new TarWriter(file);
    const json = async (name: string, text: string): Promise<string> => {
      const bytes = Buffer.from(`${text}\n`);
      await tar.add(name, bytes.length, [bytes]);
      return createHash('sha256').update(bytes).digest('hex');
    };
    const head = await json(headName, JSON.stringify(job.head));
    const records = await json(recordsName, job.records);
    const files: PackedFile[] = [];
    for (const [i, source] of sources.entries()) {
      const hash = createHash('sha256');
      const [name, bytes] = [entryName(source, i), sizes[i] ?? 0];
      await tar.add(
        name,
        bytes,
        hashed(watch, createReadStream(source.source, { highWaterMark: 256 * 1024 }), hash, onBytes),
      );
      const sha256 = hash.digest('hex');
      if (source.sha256 !== null && source.sha256 !== sha256)
        throw new AppError('travel.damaged', `The file ${source.path} is not what was written; nothing was packed.`, {
          hint: 'calyx verify tells which files of this library are damaged.',
        });
      files.push({ name, path: source.path, belongs: source.belongs, bytes, sha256 });
    }
    await json(contentsName, JSON.stringify({ head, records, files } satisfies Contents));
    await tar.end();
    await file.sync();
    return { bytes: (await file.stat()).size, files };
  } finally {
    await file.close();
  }
}
