// SPDX-License-Identifier: MIT

/**
 * The pen of a canvas, drawn with by the processor. A browser hands canvases to the graphics driver unless it is told that they are read back; there the thin lines and
 * small pictures of our panels are dear: where a processor stands in for the driver a zoom through traces took three times as long, and a key could wait seconds.
 */
export function penOf(canvas: HTMLCanvasElement | null | undefined): CanvasRenderingContext2D | null {
  return canvas?.getContext('2d', { willReadFrequently: true }) ?? null;
}

/** Makes something that asks its canvas for a pen by itself, as a library does; it is given one of `penOf`. */
export function withPens<T>(make: () => T): T {
  const { prototype } = HTMLCanvasElement;
  const own = Object.getOwnPropertyDescriptor(prototype, 'getContext');
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the canvas that is asked
  const { getContext } = prototype;
  Object.defineProperty(prototype, 'getContext', {
    configurable: true,
    writable: true,
    value(this: HTMLCanvasElement, kind: string, settings?: object): RenderingContext | null {
      return getContext.call(this, kind, kind === '2d' ? { willReadFrequently: true, ...settings } : settings);
    },
  });
  try {
    return make();
  } finally {
    if (own !== undefined) Object.defineProperty(prototype, 'getContext', own);
  }
}
