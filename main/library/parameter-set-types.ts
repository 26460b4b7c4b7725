// SPDX-License-Identifier: MIT
import type { Uuid } from '../contract/index.ts';
import type { TypedJson } from './parameter-hash.ts';

/** What became of a parameter of another program. */
export interface TranslatedParameter {
  readonly parameter: string;
  readonly value: TypedJson;
  /** Null where it has no counterpart. */
  readonly became: string | null;
  readonly result: number | null;
  readonly explanation: string;
}

/** A parameter set of the library. */
export interface ParameterSetRow {
  /** `paramset_idx` of DataJoint-shaped views. */
  readonly idx: number;
  readonly uuid: Uuid;
  readonly method: string;
  readonly description: string;
  readonly engineVersion: string | null;
  /** The MD5 of element-miniscope, as a uuid. */
  readonly djHash: string;
  readonly sha256: string;
  readonly builtin: boolean;
  readonly createdAt: string;
  /** Runs that used it or were asked to. */
  readonly runs: number;
  readonly parameters: Readonly<Record<string, TypedJson>>;
}

/** The set a run was asked to use and what became of it. */
export interface AskedParameters {
  readonly set: Omit<ParameterSetRow, 'parameters'>;
  readonly parameters: readonly TranslatedParameter[];
}

export interface ParameterSetStore {
  list(): Promise<readonly ParameterSetRow[]>;
  /** By number, uuid, either hash or description. @throws AppError `usage.invalid` */
  find(name: string): Promise<ParameterSetRow>;
  /** A set with the same method and values is that set. @throws AppError `usage.invalid` for an unknown method */
  add(set: {
    readonly method: string;
    readonly parameters: Readonly<Record<string, TypedJson>>;
    readonly description?: string | undefined;
  }): Promise<{ readonly set: ParameterSetRow; readonly added: boolean }>;
  /** Null where the run used the set it was asked to use. */
  asked(runUuid: Uuid): Promise<AskedParameters | null>;
}
