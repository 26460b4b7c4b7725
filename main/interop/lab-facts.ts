// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError, type ExportMetadata, LabFacts } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import { fileError } from '../processing/index.ts';
import { writeWholeFile } from '../recording/index.ts';

const Kept = z.object({ formatVersion: z.literal(1), facts: LabFacts });

const fileOf = ({ folders }: Pick<Library, 'folders'>): string => path.join(folders.root, 'lab.json');

/** What holds for every recording of a library's lab; nothing as long as nobody has said it. @throws AppError `disk.io` for a file that cannot be read */
export async function readLabFacts(library: Pick<Library, 'folders'>): Promise<LabFacts> {
  const file = fileOf(library);
  let json: string;
  try {
    json = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw fileError(error, 'reading lab.json');
  }
  try {
    return Kept.parse(JSON.parse(json)).facts;
  } catch (error) {
    throw new AppError(
      'disk.io',
      'What holds for the whole lab cannot be read: lab.json in the library’s folder is damaged.',
      {
        hint: 'Mend it, or remove it and fill in Settings, Lab again.',
        cause: error,
      },
    );
  }
}

/** @throws AppError `library.read_only`, `disk.*` */
export async function writeLabFacts(library: Pick<Library, 'folders' | 'readOnly'>, facts: LabFacts): Promise<void> {
  if (library.readOnly !== null) throw new AppError('library.read_only', library.readOnly);
  const kept: z.infer<typeof Kept> = { formatVersion: 1, facts };
  try {
    await writeWholeFile(fileOf(library), `${JSON.stringify(kept, undefined, 2)}\n`);
  } catch (error) {
    throw fileError(error, 'saving what holds for the lab');
  }
}

/** Facts of several sources, the most general first: what a later one says wins. */
export function mergedFacts(...sources: readonly ExportMetadata[]): ExportMetadata {
  const group = <K extends keyof ExportMetadata>(name: K): ExportMetadata[K] =>
    Object.assign({}, ...sources.map((source) => source[name] ?? {})) as ExportMetadata[K];
  return { subject: group('subject'), session: group('session'), imaging: group('imaging') };
}
