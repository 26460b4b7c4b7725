// SPDX-License-Identifier: MIT
import { asUnreadable } from '../check.ts';
import type { ResultReader } from '../foreign-result.ts';
import { caiman } from './caiman.ts';
import { cellreg } from './cellreg.ts';
import { cnmfE } from './cnmf-e.ts';
import { inscopix } from './inscopix.ts';
import { min1pipe } from './min1pipe.ts';
import { minian } from './minian.ts';
import { nwb } from './nwb.ts';
import { otherMat } from './other-mat.ts';
import { outlines } from './outlines.ts';
import { suite2p } from './suite2p.ts';

/** All readers; the first that recognises a place reads it. One file each in this folder. */
export const resultReaders: readonly ResultReader[] = [
  caiman,
  nwb,
  min1pipe,
  cnmfE,
  cellreg,
  otherMat,
  inscopix,
  minian,
  suite2p,
  outlines,
];

/** The reader of a place; null where none knows it. */
export async function readerOf(place: string): Promise<ResultReader | null> {
  for (const reader of resultReaders) if (await recognises(reader, place)) return told(reader);
  return null;
}

/** A file whose list of contents is damaged is nobody's. */
async function recognises(reader: ResultReader, place: string): Promise<boolean> {
  try {
    return await reader.recognises(place);
  } catch (error) {
    throw asUnreadable(place, error);
  }
}

/** What libraries say of damage becomes a sentence. */
function told(reader: ResultReader): ResultReader {
  return {
    ...reader,
    read: async (place, ...more) => {
      try {
        return await reader.read(place, ...more);
      } catch (error) {
        throw asUnreadable(place, error);
      }
    },
  };
}
