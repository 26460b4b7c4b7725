// SPDX-License-Identifier: MIT
import { z } from 'zod';

/**
 * Every code an error may carry: `domain.reason`, a closed union. Screens switch on the code; the sentences are made where the
 * error is, in the words of ux.md 7 (what happened, where, what to do).
 */
export const errorCodes = [
  'rpc.invalid_input',
  'rpc.invalid_output',
  'rpc.unknown_procedure',
  'rpc.not_allowed',
  'rpc.disconnected',
  'rpc.cancelled',
  'rpc.version_mismatch',
  'rpc.internal',
  'usage.invalid',
  'server.port_in_use',
  'session.not_found',
  'session.no_films',
  'session.ambiguous_films',
  'session.bad_csv',
  'session.bad_metadata',
  'session.not_imported',
  'session.other_films',
  'media.unreadable',
  'media.empty',
  'media.size_mismatch',
  'media.ffmpeg_missing',
  'media.truncated',
  'media.io',
  'library.not_sqlite',
  'library.from_future',
  'library.read_only',
  'library.locked',
  'library.bad_place',
  'library.not_found',
  'library.corrupt',
  'library.io',
  'query.not_allowed',
  'query.failed',
  'query.timed_out',
  'table.refused',
  'job.not_found',
  'job.not_allowed',
  'job.lease_lost',
  'delete.not_found',
  'delete.refused',
  'delete.conflict',
  'backup.invalid',
  'run.not_found',
  'run.no_trace',
  'run.not_ready',
  'run.already_ended',
  'run.format_newer',
  'engine.missing',
  'engine.crashed',
  'engine.cancelled',
  'engine.out_of_memory',
  'engine.bad_job',
  'engine.no_signal',
  'engine.internal',
  'review.no_rater',
  'review.nothing_to_undo',
  'review.unknown_cell',
  'review.frozen',
  'review.not_frozen',
  'review.footprints_unreadable',
  'review.frame_size_unknown',
  'review.too_few_decisions',
  'review.edit_invalid',
  'review.edit_no_pixels',
  'review.no_version',
  'review.edit_stale',
  'review.reading_refused',
  'interop.unreadable',
  'interop.several_films',
  'interop.film_missing',
  'datajoint.unreachable',
  'datajoint.refused',
  'datajoint.wrong_schema',
  'datajoint.conflicts',
  'ingest.bad_csv',
  'ingest.bad_header',
  'ingest.unreadable',
  'align.not_found',
  'align.no_trials',
  'align.exists',
  'explore.no_cells',
  'explore.no_orientation',
  'explore.no_position',
  'explore.other_field',
  'explore.no_match',
  'position.unreadable',
  'position.not_found',
  'position.exists',
  'export.exists',
  'travel.damaged',
  'travel.newer',
  'travel.unknown_run',
  'travel.deleted',
  'disk.full',
  'disk.io',
  'device.bad_catalogue',
  'device.unknown_type',
  'device.bad_command',
  'device.bad_setting',
  'device.not_found',
  'device.no_answer',
  'device.no_permission',
  'device.in_use',
  'recording.bad_rig',
  'recording.failed',
  'acquire.not_now',
  'acquire.not_ready',
  'acquire.capture_ended',
  'files.outside_roots',
  'files.not_found',
] as const;

/** A code of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** An error as it crosses a process or the wire. */
export const ErrorData = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  hint: z.string().optional(),
  details: z.record(z.string(), z.json()).optional(),
  retryable: z.boolean(),
});
export type ErrorData = z.infer<typeof ErrorData>;

interface AppErrorOptions {
  readonly hint?: string | undefined;
  readonly details?: ErrorData['details'] | undefined;
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/** The only error that is thrown on purpose. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: ErrorData['details'] | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
    this.retryable = options.retryable ?? false;
  }

  /** The form that crosses a boundary. */
  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.details === undefined ? {} : { details: this.details }),
      retryable: this.retryable,
    };
  }

  /** The error that data stands for. */
  static fromData(data: ErrorData): AppError {
    return new AppError(data.code, data.message, data);
  }

  /**
   * Any thrown value as an AppError; what is not one keeps its cause and becomes `rpc.internal`, `rpc.cancelled` where an aborted signal threw
   * it, or `disk.io` where a permission is missing.
   */
  static from(thrown: unknown): AppError {
    if (thrown instanceof AppError) return thrown;
    if (thrown instanceof Error && thrown.name === 'AbortError')
      return new AppError('rpc.cancelled', 'It was cancelled.', { cause: thrown });
    const denied = denial(thrown);
    if (denied !== null) return new AppError('disk.io', denied.message, { hint: denied.hint, cause: thrown });
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new AppError('rpc.internal', message, { cause: thrown });
  }
}

/** Calls of the system that change a folder: the permission that is missing is the folder's. */
const changing = new Set(['mkdir', 'mkdtemp', 'rename', 'unlink', 'rmdir', 'rm', 'symlink', 'link', 'copyfile']);

/** What the system's word for a missing permission means; null for every other error. */
export function denial(thrown: unknown): { readonly message: string; readonly hint: string } | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null;
  const { code } = thrown;
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return null;
  const syscall = 'syscall' in thrown ? String(thrown.syscall) : '';
  const path = 'path' in thrown ? String(thrown.path) : null;
  if (path === null) return null;
  const folder = path.replace(/[/\\][^/\\]*[/\\]?$/, '') || '/';
  if (code === 'EROFS') return { message: `${folder} can only be read.`, hint: 'Choose another place.' };
  if (changing.has(syscall))
    return {
      message: `You may not change what is in ${folder}.`,
      hint: 'Ask whoever owns it, or choose another place.',
    };
  return { message: `You may not open ${path}.`, hint: 'Ask whoever owns it for the permission.' };
}
