// SPDX-License-Identifier: MIT
/** Reading sessions from disk and linking them into the library. See README.md. */
export { createFilesHandlers, createSessionsHandlers, pathOfSource, placeOf } from './handlers.ts';
export type { SessionsDependencies } from './handlers.ts';
export { readNumberTable } from './csv.ts';
export { forEachRow } from './lines.ts';
export { dataRoots, makeFolder, resolveFolder } from './files.ts';
export type { DataRoot } from './files.ts';
export { nearestRows, usualInterval } from './nearest.ts';
export { importSession, plannedSession } from './import.ts';
export { ConvertedFilm, convertedFilmFile } from './readers/converted-film.ts';
export { type HeadOrientation, headOrientationOf, inputsOf } from './beside-film.ts';
export { orientationText } from './orientation.ts';
export { frameTimes, openSession } from './open.ts';
export type { ProbeFilm, ReadDevice, ReadFilm, ReadSession } from './types.ts';
