// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import { binding } from './binding.ts';

/** A scope's settings as a picture shows them. */
export interface Camera {
  /** Excitation times exposure; 1 shows the scene as it is, 0 is dark. */
  readonly light: number;
  /** Gain of the sensor, 1 for its lowest. */
  readonly gain: number;
  /** Standard deviation of the blur of a lens out of focus, px. */
  readonly blur: number;
}

/** Living tissue with known truth, seen through a scope. */
export interface Scene extends Disposable {
  /** Draws a frame into `out`, `width × height` bytes row by row; after the scene's last frame it begins anew. */
  readonly draw: (frame: number, camera: Camera, out: Uint8Array) => void;
}

/** Opens a scene by its name: `sample`, `tiny`, `small`, `scope`. @throws AppError `usage.invalid` for another name, `engine.missing` */
export function openScene(
  name: string,
  seed: number,
  size: { readonly width: number; readonly height: number },
): Scene {
  const native = binding();
  let handle: number;
  try {
    ({ handle } = native.openScene(name, seed, size.width, size.height));
  } catch (error) {
    throw new AppError('usage.invalid', error instanceof Error ? `${error.message}.` : 'That scene cannot be made.', {
      cause: error,
    });
  }
  return {
    draw: (frame, { light, gain, blur }, out) => native.drawScene(handle, frame, light, gain, blur, out),
    [Symbol.dispose]: () => native.closeScene(handle),
  };
}
