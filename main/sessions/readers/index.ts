// SPDX-License-Identifier: MIT
import type { SessionReader } from '../types.ts';
import { bareFilm } from './bare-film.ts';
import { convertedFilm } from './converted-film.ts';
import { inscopixFolder } from './inscopix.ts';
import { miniscopeV3 } from './miniscope-v3.ts';
import { miniscopeV4 } from './miniscope-v4.ts';
import { namedFilm } from './named-film.ts';

/** All readers, the most particular first: the first that recognises a place reads it. One file each in this folder. */
export const sessionReaders: readonly SessionReader[] = [
  convertedFilm,
  inscopixFolder,
  miniscopeV3,
  miniscopeV4,
  namedFilm,
  bareFilm,
];
