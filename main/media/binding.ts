// SPDX-License-Identifier: MIT
import { createRequire } from 'node:module';
import { z } from 'zod';
import { AppError, errorCodes } from '../contract/index.ts';
import { bindingFile } from '../installation/index.ts';
import type * as native from '../../native/node/index.d.ts';

const require = createRequire(import.meta.url);

type Binding = typeof native;

const NativeError = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  hint: z.string().nullish(),
});

let loaded: Binding | undefined;

/**
 * The native binding.
 *
 * @throws AppError `engine.missing` when it is not built or cannot be loaded here
 */
export function binding(): Binding {
  const file = bindingFile();
  try {
    loaded ??= require(file) as Binding;
    return loaded;
  } catch (error) {
    throw new AppError('engine.missing', 'The part of Calyx that reads films is missing or does not load here.', {
      hint: 'Run `npm start` or `npm run calyx`, which build it; in an installed Calyx, install it again.',
      details: { cause: error instanceof Error ? error.message : String(error) },
      cause: error,
    });
  }
}

/** An error of the binding as an AppError. */
export function fromNative(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  try {
    const data = NativeError.parse(JSON.parse(thrown instanceof Error ? thrown.message : String(thrown)));
    const denied = /^(.+): Permission denied \(os error 13\)$/.exec(data.message)?.[1];
    const message = denied === undefined ? data.message : `You may not open ${denied}.`;
    return new AppError(data.code, message, { hint: data.hint ?? undefined, cause: thrown });
  } catch {
    return AppError.from(thrown);
  }
}
