// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../contract/index.ts';
import { type H5Dataset, type H5File, type H5Group, hdf5 } from '../../hdf5.ts';
import { unreadable } from '../../results/check.ts';
import { isHdf5 } from '../../results/hdf5.ts';
import type { FilmReader } from '../foreign-film.ts';
import { choose, filmOfDataset, openFile } from './hdf5.ts';

const isFile = async (place: string): Promise<boolean> =>
  await stat(place).then(
    (info) => info.isFile(),
    () => false,
  );

const kinds = new Set(['OnePhotonSeries', 'TwoPhotonSeries', 'ImageSeries']);

interface Series {
  readonly group: H5Group;
  readonly kind: string;
  readonly data: H5Dataset | null;
  readonly external: readonly string[];
}

const attribute = (of: H5Group | H5Dataset, name: string): unknown => of.attrs[name]?.value;

/** Film series of a file by their path; the ones of a microscope before other images. */
async function series(file: H5File): Promise<ReadonlyMap<string, Series>> {
  const { Dataset, Group } = await hdf5();
  const found = new Map<string, Series>();
  const visit = (group: H5Group, at: string, depth: number): void => {
    for (const name of group.keys()) {
      let child: unknown;
      try {
        child = group.get(name);
      } catch {
        continue;
      }
      if (!(child instanceof Group)) continue;
      const type = attribute(child, 'neurodata_type');
      const kind = typeof type === 'string' ? type : '';
      if (kinds.has(kind)) {
        const data: unknown = child.keys().includes('data') ? child.get('data') : null;
        const external: unknown = child.keys().includes('external_file') ? child.get('external_file') : null;
        const names: unknown = external instanceof Dataset ? external.value : [];
        found.set(`${at}/${name}`, {
          group: child,
          kind,
          data: data instanceof Dataset && data.shape?.length === 3 && !data.shape.includes(0) ? data : null,
          external: Array.isArray(names) ? names.map(String) : [],
        });
      } else if (depth < 4) visit(child, `${at}/${name}`, depth + 1);
    }
  };
  for (const top of ['acquisition', 'processing']) {
    if (!file.keys().includes(top)) continue;
    const group: unknown = file.get(top);
    if (group instanceof Group) visit(group, `/${top}`, 0);
    if ([...found.values()].some(({ kind }) => kind !== 'ImageSeries')) break;
  }
  const scopes = [...found].filter(([, { kind }]) => kind !== 'ImageSeries');
  return scopes.length > 0 ? new Map(scopes) : found;
}

async function startOf(file: H5File): Promise<string | null> {
  const { Dataset } = await hdf5();
  const at: unknown = file.keys().includes('session_start_time') ? file.get('session_start_time') : null;
  const value: unknown = at instanceof Dataset ? at.value : null;
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** Times of a series: its timestamps, else its rate. Seconds. */
async function timing(group: H5Group): Promise<{ readonly fps: number | null; readonly timeS: Float64Array | null }> {
  const { Dataset } = await hdf5();
  const has = (name: string): unknown => (group.keys().includes(name) ? group.get(name) : null);
  const stamps = has('timestamps');
  if (stamps instanceof Dataset) {
    const times = Float64Array.from(stamps.value as ArrayLike<number>);
    const first = times[0] ?? 0;
    const last = times.at(-1) ?? 0;
    return {
      fps: times.length > 1 && last > first ? (times.length - 1) / (last - first) : null,
      timeS: times.map((time) => time - first),
    };
  }
  const start = has('starting_time');
  const rate = start instanceof Dataset ? Number(attribute(start, 'rate')) : Number.NaN;
  return { fps: rate > 0 ? rate : null, timeS: null };
}

/** NWB 2 files: a series of a one-photon or two-photon microscope, in the file (`frames × width × height`) or beside it. */
export const nwbFilm: FilmReader = {
  format: 'NWB',
  recognises: async (place) => /\.nwb$/i.test(place) && (await isHdf5(place)),
  open: async (place, { dataset }) => {
    const file = await openFile(place);
    try {
      const all = await series(file);
      const shapes = new Map([...all].map(([name, { data, external }]) => [name, data?.shape ?? [external.length]]));
      const name = choose(
        place,
        shapes,
        dataset,
        'it holds no film (OnePhotonSeries, TwoPhotonSeries or ImageSeries) and no cells (PlaneSegmentation).',
      );
      const found = all.get(name);
      if (found === undefined) throw unreadable(place, `it has no series ${name}.`);
      if (found.data === null) {
        const [film] = found.external;
        if (film === undefined) throw unreadable(place, `its series ${name} holds no frames and names no film.`);
        const films = found.external.map((each) => path.resolve(path.dirname(place), each));
        if (films.length > 1) {
          throw new AppError(
            'interop.several_films',
            `${path.basename(place)} names ${films.length} films beside it: ${found.external.join(', ')}.`,
            { hint: 'Import the folder that holds them, or one of them.', details: { films } },
          );
        }
        const [only = ''] = films;
        if (!(await isFile(only)))
          throw new AppError(
            'interop.film_missing',
            `${path.basename(place)} holds no frames; it names the film ${film}, which is not there.`,
            { hint: `Bring the film to ${only}, or import the film from where it lies.`, details: { film: only } },
          );
        file.close();
        return { film: only };
      }
      return filmOfDataset(place, file, found.data, {
        turned: true,
        ...(await timing(found.group)),
        startedAt: await startOf(file),
        findings: [`The film is the series ${name}, ${found.kind}.`],
      });
    } catch (error) {
      file.close();
      throw error;
    }
  },
};
