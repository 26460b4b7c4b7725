// SPDX-License-Identifier: MIT
import type { Outlines } from './contours.ts';
import type { Levels } from './levels.ts';
import type { Linking } from './programs.ts';

/** What a picture view shows, and what of it the graphics driver holds. */

/** What lies under the outlines: floats of a picture or bytes of a frame, row-major. */
export type PictureData =
  | { readonly kind: 'float'; readonly width: number; readonly height: number; readonly values: Float32Array }
  | { readonly kind: 'byte'; readonly width: number; readonly height: number; readonly values: Uint8Array };

/** Another way to see the picture: marks where it is saturated, change relative to a second picture, a second picture laid over it. */
export interface Look {
  readonly kind: 'saturation' | 'change' | 'overlay';
  /** Of the picture's size; `saturation` needs none. */
  readonly second: PictureData | null;
  /** Range of the second picture, or of the relative change. */
  readonly levels: Levels;
}

/** One picture of several that share the view, the outlines and the context. */
export interface Pane {
  picture: PictureData | null;
  levels: Levels;
  lut: Uint8Array;
  /** Kind and size of what its texture holds. */
  shape: string;
}

/** One picture, or four: raw above left, then right, below left, below right. */
export type PaneCount = 1 | 4;

/** Everything that is drawn. Kept here so that a lost context can be filled again. */
export interface Scene {
  readonly panes: readonly Pane[];
  paneCount: PaneCount;
  look: Look | null;
  outlines: Outlines | null;
  labels: Uint8Array;
  selected: number;
  partner: number;
  /** Opacity of all outlines but the selected one. */
  strength: number;
}

/** What of it lies in the graphics driver. */
export interface Resources {
  readonly picture: WebGLProgram;
  /** Linked when it is first wanted. */
  look: WebGLProgram | undefined;
  readonly outline: WebGLProgram;
  /** One for each pane. */
  readonly images: readonly WebGLTexture[];
  readonly second: WebGLTexture;
  readonly luts: readonly WebGLTexture[];
  readonly labels: WebGLTexture;
  /** The points of all outlines, `textureWidth` a row. */
  readonly points: WebGLTexture;
  readonly empty: WebGLVertexArrayObject;
  /** The picture with all outlines as it was drawn last, and what it was drawn from: another selection draws only its own outline over it. */
  readonly base: { readonly frame: WebGLFramebuffer; readonly texture: WebGLTexture; size: string; key: string };
  readonly uniforms: Map<string, WebGLUniformLocation | null>;
  /** Programs that the driver may still be making; empty once they were looked at. */
  linking: readonly Linking[];
  floatLinear: boolean;
}
