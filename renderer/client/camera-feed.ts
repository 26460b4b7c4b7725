// SPDX-License-Identifier: MIT
import type { Connection } from './types.ts';

/** Pause before a picture is looked for again, ms. */
const againMs = 400;

/** Shows a behaviour camera for as long as the signal lasts: the newest picture whenever this window is ready for one. */
export async function followCamera(
  connection: Connection,
  camera: string,
  show: (picture: ImageBitmap) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { client, close } = await connection.openLive(signal);
      try {
        for await (const { bytes } of client.live.pictures({ camera }, { signal }).packets) {
          if (signal.aborted) return;
          const picture = await createImageBitmap(new Blob([bytes as BlobPart], { type: 'image/jpeg' }));
          show(picture);
          picture.close();
        }
      } finally {
        close();
      }
    } catch {
      // The rig was let go, or its process ended: the status says so.
    }
    await new Promise((resolve) => {
      setTimeout(resolve, againMs);
    });
  }
}
