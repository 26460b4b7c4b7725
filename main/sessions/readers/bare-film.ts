// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError } from '../../contract/index.ts';
import { readBareFilm } from '../device.ts';
import { filmNames, isFilmName } from '../places.ts';
import type { Place, SessionReader } from '../types.ts';

/** A single film without a session folder: a file, or a folder that holds exactly one. */
export const bareFilm: SessionReader = {
  format: 'film',
  title: 'Single film',
  recognises: (place) => Promise.resolve(films(place).length > 0),
  read: async (place, context) => {
    const found = films(place);
    const [file] = found;
    if (file === undefined || found.length > 1) {
      throw new AppError(
        'session.ambiguous_films',
        `${path.basename(place.path)} holds several films and no order among them: ${found.map((film) => path.basename(film)).join(', ')}.`,
        {
          hint: 'Give the one you mean by its path, or name them 0.avi, 1.avi … if they follow one another.',
          details: { films: found.map((film) => path.basename(film)) },
        },
      );
    }
    const device = await readBareFilm(file, context);
    const folder = path.dirname(file);
    return {
      format: bareFilm.format,
      name: place.kind === 'file' ? path.basename(file) : path.basename(folder),
      folder,
      subject: null,
      startedAt: null,
      tzOffsetMin: null,
      notes: '',
      devices: [device],
      chosenDevice: null,
      findings: [],
    };
  },
  frameTimes: () => Promise.resolve(null),
};

function films(place: Place): readonly string[] {
  if (place.kind === 'file') return isFilmName(path.basename(place.path)) ? [place.path] : [];
  const names = filmNames(place.entries);
  return [...names.numbered.map((film) => film.name), ...names.others].map((name) => path.join(place.path, name));
}
