// SPDX-License-Identifier: MIT
import type { ErrorCode } from '../contract/index.ts';

/** Exit codes of every program of Calyx (architecture.md 5). */
export const exitCodes = {
  ok: 0,
  usage: 2,
  input: 3,
  environment: 4,
  resource: 5,
  /** A result was written although part of the input could not be read. */
  incomplete: 6,
  bug: 70,
  cancelled: 130,
} as const;

const special: Readonly<Partial<Record<ErrorCode, number>>> = {
  'rpc.invalid_input': exitCodes.usage,
  'rpc.cancelled': exitCodes.cancelled,
  'rpc.disconnected': exitCodes.environment,
  'rpc.version_mismatch': exitCodes.environment,
  'media.ffmpeg_missing': exitCodes.environment,
  'media.io': exitCodes.resource,
  'engine.missing': exitCodes.environment,
  'engine.cancelled': exitCodes.cancelled,
  'engine.out_of_memory': exitCodes.resource,
  'engine.no_signal': exitCodes.input,
  'library.io': exitCodes.resource,
  'query.timed_out': exitCodes.resource,
  'export.exists': exitCodes.usage,
  'device.bad_setting': exitCodes.usage,
  'device.unknown_type': exitCodes.input,
  'device.bad_catalogue': exitCodes.input,
  'datajoint.conflicts': exitCodes.input,
  'recording.failed': exitCodes.resource,
};

const byDomain: Readonly<Record<string, number>> = {
  rpc: exitCodes.bug,
  usage: exitCodes.usage,
  table: exitCodes.input,
  server: exitCodes.environment,
  session: exitCodes.input,
  ingest: exitCodes.input,
  align: exitCodes.input,
  media: exitCodes.input,
  library: exitCodes.environment,
  query: exitCodes.usage,
  job: exitCodes.input,
  delete: exitCodes.input,
  backup: exitCodes.input,
  run: exitCodes.input,
  engine: exitCodes.bug,
  review: exitCodes.input,
  export: exitCodes.input,
  travel: exitCodes.input,
  explore: exitCodes.input,
  interop: exitCodes.input,
  datajoint: exitCodes.environment,
  disk: exitCodes.resource,
  device: exitCodes.environment,
  recording: exitCodes.input,
  // The instrument does something else now, or is not ready for it.
  acquire: exitCodes.environment,
  files: exitCodes.input,
  position: exitCodes.input,
};

/** The exit code of an error. */
export function exitCodeOf(code: ErrorCode): number {
  return special[code] ?? byDomain[code.slice(0, code.indexOf('.'))] ?? exitCodes.bug;
}
