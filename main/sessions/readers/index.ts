// SPDX-License-Identifier: MIT
import type { SessionReader } from '../types.ts';
import { bareFilm } from './bare-film.ts';
import { convertedFilm } from './converted-film.ts';
import { miniscopeV4 } from './miniscope-v4.ts';

/** All readers, the most particular first: the first that recognises a place reads it. One file each in this folder. */
export const sessionReaders: readonly SessionReader[] = [convertedFilm, miniscopeV4, bareFilm];
