// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../../contract/index.ts';
import { assetsFolder } from '../../installation/index.ts';
import { ScopeEntry, type ScopeType } from './scope-type.ts';

/** Scope types by their name. */
export type Catalogue = ReadonlyMap<string, ScopeType>;

const builtIn = path.join(assetsFolder, 'devices');

/**
 * Reads the scope types that came with this copy, then those of a user's folder: an entry there with the same name takes the other's place.
 *
 * A file holds one entry (`type` names it), or several by their names as the field's own catalogue does. Entries without a size in a user's file (webcams) are
 * skipped: they are no scopes.
 *
 * @throws AppError `device.bad_catalogue` naming file and field
 */
export function readCatalogue(userFolder?: string): Catalogue {
  const types = new Map<string, ScopeType>();
  for (const folder of userFolder === undefined ? [builtIn] : [builtIn, userFolder]) {
    for (const file of jsonFiles(folder)) {
      for (const entry of readEntries(path.join(folder, file), file)) types.set(entry.type, entry);
    }
  }
  return types;
}

/** @throws AppError `device.unknown_type` that names those that are known */
export function scopeType(catalogue: Catalogue, type: string): ScopeType {
  const found = catalogue.get(type);
  if (found !== undefined) return found;
  throw new AppError(
    'device.unknown_type',
    `There is no scope type “${type}”; known are: ${[...catalogue.keys()].join(', ')}.`,
    {
      hint: 'Put a JSON file that describes it into the folder for scope types.',
    },
  );
}

function jsonFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new AppError('device.bad_catalogue', `The folder of scope types ${folder} cannot be read.`, { cause: error });
  }
}

function readEntries(file: string, shown: string): ScopeType[] {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it is not JSON';
    throw new AppError('device.bad_catalogue', `${shown}: ${reason}.`, { cause: error });
  }
  const whole = z.record(z.string(), z.unknown()).safeParse(json);
  if (!whole.success) throw new AppError('device.bad_catalogue', `${shown} holds no JSON object.`);
  const { type } = whole.data;
  if (typeof type === 'string') return [parseEntry(type, whole.data, shown)];
  return Object.entries(whole.data)
    .filter(([, entry]) => isScope(entry))
    .map(([name, entry]) => parseEntry(name, entry, shown));
}

/** Webcams stand in the same catalogue; they have no commands. */
const isScope = (entry: unknown): boolean =>
  typeof entry === 'object' && entry !== null && ('initialize' in entry || 'pixelClock' in entry);

function parseEntry(type: string, entry: unknown, shown: string): ScopeType {
  const parsed = ScopeEntry.safeParse(entry);
  if (parsed.success) return { type, ...parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new AppError(
    'device.bad_catalogue',
    `${shown}: ${type}${where === '' ? '' : `.${where}`}: ${issue?.message ?? 'is wrong'}.`,
  );
}
