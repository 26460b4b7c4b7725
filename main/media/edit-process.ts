// SPDX-License-Identifier: MIT
/** The process that edits cells with the native engine, so that a native fault does not end the core. */
import { binding, fromNative } from './binding.ts';
import type { EditCall, EditReply } from './editor.ts';

async function answer({ id, procedure, request }: EditCall): Promise<EditReply> {
  try {
    return { type: 'done', id, value: await binding()[procedure](request) };
  } catch (error) {
    return { type: 'failed', id, error: fromNative(error).toData() };
  }
}

process.on('message', (message: EditCall | { readonly type: 'ping' }) => {
  if (message.type === 'ping') process.send?.({ type: 'pong' });
  else void answer(message).then((reply) => process.send?.(reply));
});
// The core is gone: nobody waits for an answer any more.
process.on('disconnect', () => process.exit(0));
