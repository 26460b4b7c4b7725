// SPDX-License-Identifier: MIT
import { constants } from 'node:os';
import { AppError, denial, ErrorData, type ErrorCode } from '../contract/index.ts';
import type { EngineMessage } from './engine-output.ts';

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What is known when an engine ended without a result. */
export interface EngineEnd extends ProcessEnd {
  /** Its error message, if it left one. */
  readonly error: Extract<EngineMessage, { type: 'error' }> | null;
  /** The stage it was in, null before the first. */
  readonly stage: string | null;
  /** Last lines it printed that were no messages (a panic, a loader's complaint). */
  readonly lastWords: readonly string[];
}

/** Why a run failed, as a sentence with a next step. */
export function failureOf(end: EngineEnd): AppError {
  if (end.error !== null) return fromMessage(end.error, end.code);
  const where = end.stage === null ? 'before its first step' : `in step ${end.stage}`;
  const details = { stage: end.stage, exitCode: end.code, signal: end.signal, lastWords: [...end.lastWords] };
  if (end.signal === 'SIGXFSZ') {
    return new AppError(
      'disk.full',
      `A file reached the largest size allowed here ${where}; the unfinished result was removed.`,
      {
        hint: 'Raise the limit (ulimit -f) or free some space, then run again.',
        retryable: true,
        details,
      },
    );
  }
  if (end.signal !== null) {
    const number = constants.signals[end.signal];
    return new AppError(
      'engine.crashed',
      `The engine was killed (signal ${number}, ${end.signal}) ${where}. Nothing of this run was kept.`,
      {
        hint:
          end.signal === 'SIGKILL'
            ? 'The system does that when memory runs out: lower the memory limit or close other programs, then run again.'
            : 'Run again; if it happens again, send the log of the run.',
        retryable: true,
        details,
      },
    );
  }
  if (end.code === 127 || end.code === 126) {
    return new AppError('engine.missing', 'The engine could not be started.', {
      hint: 'Build or install it again.',
      details,
    });
  }
  const why = end.code === 0 ? 'without a result' : `with exit code ${end.code ?? 'unknown'} and without a word why`;
  return new AppError('engine.crashed', `The engine ended ${where} ${why}.`, {
    hint: 'The log of the run holds its last words.',
    retryable: true,
    details,
  });
}

/** What an exit code says where the engine's code is not one of the contract's (a newer engine, a stage's own word). */
const codeOfExit: Readonly<Record<number, ErrorCode>> = {
  2: 'usage.invalid',
  3: 'engine.no_signal',
  4: 'engine.missing',
  5: 'engine.out_of_memory',
  130: 'engine.cancelled',
};

function fromMessage(error: Extract<EngineMessage, { type: 'error' }>, exitCode: number | null): AppError {
  const hint = error.hint === undefined || error.hint === '' ? undefined : error.hint;
  const message = sentence(error.message);
  const data = ErrorData.safeParse({ code: error.code, message, hint, retryable: error.retryable ?? false });
  if (data.success) return AppError.fromData(data.data);
  return new AppError(codeOfExit[exitCode ?? -1] ?? 'engine.internal', message, {
    hint,
    details: { engineCode: error.code },
  });
}

/** Stages speak in lower case and without a full stop; people read sentences. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** A failed file operation as an error with a code: full disks are told apart. `doing` completes "… while". */
export function fileError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof Error && error.name === 'AbortError') return AppError.from(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new AppError('disk.full', `The disk is full (${doing}); what was unfinished was removed.`, {
      hint: 'Free some space or choose another disk, then try again.',
      retryable: true,
      cause: error,
    });
  }
  const denied = denial(error);
  if (denied !== null)
    return new AppError('disk.io', `${doing}: ${denied.message}`, { hint: denied.hint, cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('disk.io', `${doing}: ${reason}`, {
    hint: 'Check that the disk is connected and can be written to.',
    cause: error,
  });
}

/** Does a code mean that the same run may succeed when tried again without changing it? Kept as the attempt's class. */
export function errorClass(code: ErrorCode): string {
  if (code === 'engine.crashed') return 'transient';
  if (code === 'engine.out_of_memory' || code.startsWith('disk.')) return 'resource';
  if (code === 'engine.internal' || code === 'engine.bad_job') return 'bug';
  if (code === 'engine.missing' || code === 'media.ffmpeg_missing') return 'environment';
  return 'input';
}
