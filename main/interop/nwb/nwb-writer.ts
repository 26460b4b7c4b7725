// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { assetsFolder } from '../../installation/index.ts';
import type { Attributes, H5Dataset, Numbers } from '../hdf5.ts';
import { Hdf5Writer } from '../hdf5.ts';
import type { Sampling } from '../timeline.ts';

/** The schema files are written by. Its specification is embedded in each file, so readers need no copy of their own. */
const Specifications = z.record(
  z.string(),
  z.object({ version: z.string(), sources: z.record(z.string(), z.unknown()) }),
);

/** Types that come from the common schema; all others are NWB's own. */
const commonTypes = new Set(['VectorData', 'VectorIndex', 'ElementIdentifiers', 'DynamicTableRegion', 'DynamicTable']);

/** Writes NWB objects: HDF5 groups and datasets with the attributes that make them typed. */
export class NwbWriter {
  readonly h5: Hdf5Writer;

  private constructor(h5: Hdf5Writer) {
    this.h5 = h5;
  }

  /** An NWB file with the groups every file has. @throws AppError `disk.io` */
  static async create(name: string): Promise<NwbWriter> {
    const specifications = Specifications.parse(
      JSON.parse(readFileSync(path.join(assetsFolder, 'nwb', 'specifications.json'), 'utf8')),
    );
    const h5 = await Hdf5Writer.create(name);
    const writer = new NwbWriter(h5);
    h5.attributes('/', {
      namespace: 'core',
      neurodata_type: 'NWBFile',
      nwb_version: specifications['core']?.version ?? '',
      object_id: randomUUID(),
    });
    for (const group of ['acquisition', 'analysis', 'general', 'processing', 'stimulus', 'specifications'])
      h5.group(`/${group}`);
    for (const group of ['presentation', 'templates']) h5.group(`/stimulus/${group}`);
    for (const [namespace, { version, sources }] of Object.entries(specifications)) {
      h5.group(`/specifications/${namespace}`);
      h5.group(`/specifications/${namespace}/${version}`);
      for (const [source, content] of Object.entries(sources))
        h5.text(`/specifications/${namespace}/${version}/${source}`, JSON.stringify(content));
    }
    h5.attributes('/', { '.specloc': h5.reference('/specifications') });
    return writer;
  }

  close(): void {
    this.h5.close();
  }

  /** A typed group. */
  group(name: string, type: string, attributes: Attributes = {}): void {
    this.h5.group(name, { ...this.type(type), ...attributes });
  }

  /** The attributes of an object of that type. */
  type(type: string): Attributes {
    return {
      namespace: commonTypes.has(type) ? 'hdmf-common' : 'core',
      neurodata_type: type,
      object_id: randomUUID(),
    };
  }

  /** A processing module. */
  module(name: string, description: string): void {
    this.group(`/processing/${name}`, 'ProcessingModule', { description });
  }

  /** `starting_time` and rate, or `timestamps`, of a series. */
  sampling(series: string, sampling: Sampling): void {
    if (sampling.kind === 'rate') {
      this.h5.number(`${series}/starting_time`, sampling.start, { rate: sampling.rate, unit: 'seconds' });
    } else {
      this.h5.array(`${series}/timestamps`, sampling.times, [sampling.times.length], {
        interval: Int32Array.of(1),
        unit: 'seconds',
      });
    }
  }

  /** The same times as another series has, without a second copy. */
  sharedSampling(series: string, from: string, sampling: Sampling): void {
    if (sampling.kind === 'rate') this.sampling(series, sampling);
    else this.h5.softLink(`${series}/timestamps`, `${from}/timestamps`);
  }

  /** A series whose data are in memory. */
  series(
    name: string,
    type: string,
    content: {
      readonly description: string;
      readonly comments?: string;
      readonly unit: string;
      readonly data: Numbers;
      readonly shape: readonly number[];
    },
  ): void {
    const { description, comments, unit, data, shape } = content;
    this.group(name, type, { description, comments: comments ?? 'no comments' });
    this.h5.array(`${name}/data`, data, shape, seriesData(unit));
  }

  /** Begins a table of `ids`; columns follow. Returns what adds one. */
  table(name: string, type: string, description: string, ids: readonly number[], columns: readonly string[]): void {
    this.group(name, type, { description, colnames: columns });
    this.h5.array(`${name}/id`, BigInt64Array.from(ids, BigInt), [ids.length], this.type('ElementIdentifiers'));
  }

  /** A column of numbers. */
  column(name: string, description: string, values: Numbers, shape?: readonly number[]): void {
    this.h5.array(name, values, shape ?? [values.length], { ...this.type('VectorData'), description });
  }

  /** A column of texts. */
  textColumn(name: string, description: string, values: readonly string[]): void {
    this.h5.texts(name, values, undefined, { ...this.type('VectorData'), description });
  }

  /** The row ends of a ragged column. */
  index(name: string, target: string, ends: readonly number[]): void {
    this.h5.array(name, Uint32Array.from(ends), [ends.length], {
      ...this.type('VectorIndex'),
      description: `Index for VectorData '${target.split('/').at(-1) ?? ''}'`,
      target: this.h5.reference(target),
    });
  }

  /** Rows of a table that a series is about. */
  region(name: string, table: string, rows: readonly number[], description: string): void {
    this.h5.array(name, BigInt64Array.from(rows, BigInt), [rows.length], {
      ...this.type('DynamicTableRegion'),
      description,
      table: this.h5.reference(table),
    });
  }

  /** An array to be filled, typed as the data of a series. */
  seriesData(name: string, shape: readonly number[], chunks: readonly number[], unit: string): H5Dataset {
    return this.h5.empty(`${name}/data`, '<f', shape, chunks, seriesData(unit));
  }
}

/** Attributes of a series' data. */
export function seriesData(unit: string): Attributes {
  return { conversion: 1, offset: 0, resolution: -1, unit };
}
