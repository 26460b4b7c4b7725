// SPDX-License-Identifier: MIT
/** Draws outlines away from the window's thread: a thousand footprints take longer than a frame. */
import { footprintRings, type FootprintWindow, outlineBuffer, type Outlines } from './contours.ts';

export interface ContourRequest {
  readonly windows: readonly FootprintWindow[];
  readonly bytes: Uint8Array;
}

export type ContourAnswer = { readonly outlines: Outlines } | { readonly failed: string };

const scope = self as unknown as {
  addEventListener: (type: 'message', listener: (event: MessageEvent<ContourRequest>) => void) => void;
  postMessage: (answer: ContourAnswer) => void;
};

scope.addEventListener('message', ({ data }) => {
  try {
    scope.postMessage({ outlines: outlineBuffer(data.windows.map((window) => footprintRings(window, data.bytes))) });
  } catch (thrown) {
    scope.postMessage({ failed: thrown instanceof Error ? thrown.message : String(thrown) });
  }
});
