// SPDX-License-Identifier: MIT
import type { Outlines } from './contours.ts';
import type { Levels } from './levels.ts';
import type { Drawer } from './kept.ts';
import type { LineStyle, OutlineStyles } from './line-styles.ts';
import type { Look, PaneCount, PictureData, Resources, Scene } from './picture-scene.ts';
import {
  beginProgram,
  checkProgram,
  linkProgram,
  lookFragment,
  outlineFragment,
  outlineVertex,
  pictureFragment,
  pictureVertex,
} from './programs.ts';
import type { Size, View } from './viewport.ts';

const lookNumbers = { saturation: 1, change: 2, overlay: 3 } as const;

/** Texels a row of labels and of points; the shader knows it, too. */
const textureWidth = 1024;
/** Label code of a cell that is not drawn. */
const hiddenLabel = 255;
/** Width (CSS px) and opacity of the dark rim of all outlines: a thin grey line on a white cell would not be seen. */
const rim = [0.875, 0.45] as const;

/**
 * A picture with outlines over it, in one WebGL2 context of its own canvas. Survives the loss of the context: what was given is kept
 * and loaded again. Lives as long as the page and is lent to one panel after another.
 */
export class PictureView implements Drawer {
  readonly canvas: HTMLCanvasElement;
  /** Told when the context goes and when it is back (then draw again). */
  onLost: ((lost: boolean) => void) | null = null;
  readonly #gl: WebGL2RenderingContext;
  readonly #styles: OutlineStyles;
  readonly #lut: Uint8Array;
  readonly #scene: Scene;
  #resources: Resources | undefined;
  /** Counts changes of everything but the marks. */
  #version = 0;

  /** @param lut table of 256 RGBA colours that pictures are shown with where nothing else is asked for */
  constructor(styles: OutlineStyles, lut: Uint8Array) {
    const canvas = document.createElement('canvas');
    const gl = canvas.getContext('webgl2', {
      antialias: false,
      alpha: false,
      depth: false,
      preserveDrawingBuffer: true,
    });
    if (gl === null) throw new Error('This browser offers no WebGL2, which pictures are drawn with.');
    this.canvas = canvas;
    this.#gl = gl;
    this.#styles = styles;
    this.#lut = lut;
    this.#scene = {
      panes: [0, 1, 2, 3].map(() => ({ picture: null, levels: { low: 0, high: 255 }, lut, shape: '' })),
      paneCount: 1,
      look: null,
      outlines: null,
      labels: new Uint8Array(0),
      selected: -1,
      partner: -1,
      strength: 1,
    };
    canvas.addEventListener('webglcontextlost', this.#lost);
    canvas.addEventListener('webglcontextrestored', this.#restored);
    this.#load();
  }

  readonly #lost = (event: Event): void => {
    event.preventDefault();
    this.#resources = undefined;
    for (const pane of this.#scene.panes) pane.shape = '';
    this.onLost?.(true);
  };

  readonly #restored = (): void => {
    this.#load();
    this.onLost?.(false);
  };

  get isLost(): boolean {
    return this.#gl.isContextLost();
  }

  /** Shows nothing any more; textures and programs stay for what is shown next. */
  rest(): void {
    this.onLost = null;
    this.#scene.panes.forEach((pane, index) => {
      Object.assign(pane, { picture: null, levels: { low: 0, high: 255 } });
      this.setLut(this.#lut, index);
    });
    const nothing = { paneCount: 1, look: null, outlines: null, labels: new Uint8Array(0) } as const;
    Object.assign(this.#scene, nothing, { selected: -1, partner: -1, strength: 1 });
    this.#version += 1;
    this.#clear(this.canvas.width, this.canvas.height);
  }

  /** Shows one picture, or four that share the view. */
  setPanes(count: PaneCount): void {
    this.#scene.paneCount = count;
    this.#version += 1;
  }

  /** Replaces the picture of a pane; the old one is overwritten where the size is the same. */
  setPicture(picture: PictureData, pane = 0): void {
    const at = this.#scene.panes[pane];
    if (at === undefined) return;
    at.picture = picture;
    this.#version += 1;
    this.#uploadPicture(pane);
  }

  setLevels(levels: Levels, pane = 0): void {
    const at = this.#scene.panes[pane];
    if (at !== undefined) at.levels = levels;
    this.#version += 1;
  }

  /** Table of 256 RGBA colours. */
  setLut(lut: Uint8Array, pane = 0): void {
    const at = this.#scene.panes[pane];
    if (at === undefined || at.lut === lut) return;
    at.lut = lut;
    this.#version += 1;
    this.#uploadLut(pane);
  }

  /** Sees the picture another way; null as it is. */
  setLook(look: Look | null): void {
    this.#scene.look = look;
    this.#version += 1;
    this.#uploadSecond();
  }

  setOutlines(outlines: Outlines): void {
    this.#scene.outlines = outlines;
    this.#version += 1;
    this.#uploadOutlines();
  }

  /** Label code of each cell by row: 0 undecided, 1 accepted, 2 rejected, 255 not drawn. */
  setLabels(labels: Uint8Array): void {
    this.#scene.labels = labels;
    this.#version += 1;
    this.#uploadLabels();
  }

  /** Rows of the selected and the partner cell, −1 for none; `strength` fades all others. What is left out stays. */
  setMarks(marks: Partial<Pick<Scene, 'selected' | 'partner' | 'strength'>>): void {
    Object.assign(this.#scene, marks);
  }

  /**
   * Draws everything. `panel`: one pane in CSS pixels, `ratio` device pixels to one of them. False: the driver is still making the programs, try with the next
   * frame; asking it for them would hold up the window.
   *
   * @throws Error when the programs do not work here
   */
  draw(view: View, panel: Size, ratio: number): boolean {
    const gl = this.#gl;
    const held = this.#resources;
    if (held === undefined || gl.isContextLost()) return true;
    if (!this.#isLinked(held)) return false;
    const { paneCount } = this.#scene;
    const across = paneCount === 1 ? 1 : 2;
    const width = Math.max(across, Math.round(panel.width * across * ratio));
    const height = Math.max(across, Math.round(panel.height * across * ratio));
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    if (paneCount === 1 && this.#hasOutlines()) {
      const { center, zoom } = view;
      const { strength } = this.#scene;
      const key = [width, height, center.x, center.y, zoom, panel.width, panel.height, strength, this.#version].join(
        ' ',
      );
      if (held.base.key !== key) {
        this.#bindBase(held, width, height);
        this.#clear(width, height);
        this.#drawPicture(held, 0, view, panel);
        this.#drawOutlines(held, view, panel, ratio);
        held.base.key = key;
      }
      gl.bindFramebuffer(gl.READ_FRAMEBUFFER, held.base.frame);
      gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
      gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST);
      gl.bindFramebuffer(gl.FRAMEBUFFER, null);
      gl.viewport(0, 0, width, height);
      this.#drawMarks(held, view, panel, ratio);
      return true;
    }
    this.#clear(width, height);
    const [half, tall] = [Math.floor(width / across), Math.floor(height / across)];
    for (let pane = 0; pane < paneCount; pane += 1) {
      // The first row lies on top, and the viewport counts from below.
      gl.viewport((pane % across) * half, (across - 1 - Math.floor(pane / across)) * tall, half, tall);
      this.#drawPicture(held, pane, view, panel);
      this.#drawOutlines(held, view, panel, ratio);
      this.#drawMarks(held, view, panel, ratio);
    }
    return true;
  }

  #isLinked(held: Resources): boolean {
    const gl = this.#gl;
    const done = gl.getExtension('KHR_parallel_shader_compile')?.COMPLETION_STATUS_KHR;
    for (const { program } of held.linking)
      if (done !== undefined && gl.getProgramParameter(program, done) === false) return false;
    for (const linking of held.linking) checkProgram(gl, linking);
    held.linking = [];
    return true;
  }

  #clear(width: number, height: number): void {
    const gl = this.#gl;
    gl.viewport(0, 0, width, height);
    gl.clearColor(10 / 255, 10 / 255, 10 / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  #hasOutlines(): boolean {
    const { outlines, labels } = this.#scene;
    return outlines !== null && outlines.points.length >= 16 && labels.some((label) => label !== hiddenLabel);
  }

  /** From here on is drawn into the texture that is kept. */
  #bindBase(held: Resources, width: number, height: number): void {
    const gl = this.#gl;
    const size = `${String(width)} ${String(height)}`;
    gl.bindFramebuffer(gl.FRAMEBUFFER, held.base.frame);
    if (held.base.size === size) return;
    held.base.size = size;
    this.#texture(held.base.texture, gl.NEAREST);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, held.base.texture, 0);
  }

  #drawPicture(held: Resources, index: number, view: View, panel: Size): void {
    const gl = this.#gl;
    const { look, panes } = this.#scene;
    const pane = panes[index];
    const [image, lut] = [held.images[index], held.luts[index]];
    if (pane === undefined || pane.picture === null || image === undefined || lut === undefined) return;
    const { picture, levels } = pane;
    if (look !== null) held.look ??= linkProgram(gl, pictureVertex, lookFragment);
    const [program, group] =
      held.look === undefined || look === null ? ([held.picture, 'picture'] as const) : ([held.look, 'look'] as const);
    gl.useProgram(program);
    gl.bindVertexArray(held.empty);
    gl.disable(gl.BLEND);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, image);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, lut);
    const at = (name: string): WebGLUniformLocation | null => this.#uniform(held, program, group, name);
    gl.uniform1i(at('u_image'), 0);
    gl.uniform1i(at('u_lut'), 1);
    gl.uniform2f(at('u_size'), picture.width, picture.height);
    gl.uniform2f(at('u_center'), view.center.x, view.center.y);
    gl.uniform1f(at('u_zoom'), view.zoom);
    gl.uniform2f(at('u_panel'), panel.width, panel.height);
    gl.uniform2f(at('u_levels'), levels.low, levels.high);
    gl.uniform1f(at('u_gain'), picture.kind === 'byte' ? 255 : 1);
    if (look !== null) {
      gl.activeTexture(gl.TEXTURE3);
      gl.bindTexture(gl.TEXTURE_2D, held.second);
      gl.uniform1i(at('u_second'), 3);
      gl.uniform1i(at('u_look'), lookNumbers[look.kind]);
      gl.uniform2f(at('u_secondLevels'), look.levels.low, look.levels.high);
      gl.uniform1f(at('u_secondGain'), look.second?.kind === 'byte' ? 255 : 1);
    }
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** All outlines, by their labels. */
  #drawOutlines(held: Resources, view: View, panel: Size, ratio: number): void {
    const { outlines, strength } = this.#scene;
    if (outlines === null || !this.#hasOutlines()) return;
    this.#beginLines(held, view, panel, ratio);
    this.#useStyles(held, this.#styles.labels, strength, false);
    this.#drawSegments(held, 0, outlines.points.length / 4 - 3);
  }

  /** The outlines of the selected and the partner cell. */
  #drawMarks(held: Resources, view: View, panel: Size, ratio: number): void {
    const { outlines, selected, partner } = this.#scene;
    if (outlines === null || outlines.points.length < 16) return;
    this.#beginLines(held, view, panel, ratio);
    const one = (cell: number, styles: readonly LineStyle[]): void => {
      const range = outlines.ranges[cell];
      if (range === undefined || range.count < 4) return;
      for (const style of styles) {
        this.#useStyles(held, [style, style, style], 1, true);
        this.#drawSegments(held, range.start, range.count - 3);
      }
    };
    one(partner, [this.#styles.casing, this.#styles.partner]);
    one(selected, [this.#styles.selectedCasing, this.#styles.selected]);
  }

  #beginLines(held: Resources, view: View, panel: Size, ratio: number): void {
    const gl = this.#gl;
    gl.useProgram(held.outline);
    gl.bindVertexArray(held.empty);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, held.labels);
    const at = (name: string): WebGLUniformLocation | null => this.#uniform(held, held.outline, 'outline', name);
    gl.activeTexture(gl.TEXTURE4);
    gl.bindTexture(gl.TEXTURE_2D, held.points);
    gl.uniform1i(at('u_labels'), 2);
    gl.uniform1i(at('u_points'), 4);
    gl.uniform2f(at('u_center'), view.center.x, view.center.y);
    gl.uniform1f(at('u_zoom'), view.zoom);
    gl.uniform2f(at('u_panel'), panel.width, panel.height);
    gl.uniform1f(at('u_pixel'), 1 / ratio);
  }

  #useStyles(held: Resources, styles: readonly LineStyle[], strength: number, single: boolean): void {
    const gl = this.#gl;
    const at = (name: string): WebGLUniformLocation | null => this.#uniform(held, held.outline, 'outline', name);
    gl.uniform1i(at('u_single'), single ? 1 : 0);
    gl.uniform2f(at('u_rim'), single ? 0 : rim[0], single ? 0 : rim[1] * strength);
    gl.uniform4fv(
      at('u_colour'),
      styles.flatMap(({ colour: [red, green, blue, opacity] }) => [red, green, blue, opacity * strength]),
    );
    gl.uniform1fv(
      at('u_width'),
      styles.map((style) => style.width),
    );
    gl.uniform1fv(
      at('u_dash'),
      styles.map((style) => style.dash),
    );
  }

  #drawSegments(held: Resources, first: number, count: number): void {
    this.#gl.uniform1i(this.#uniform(held, held.outline, 'outline', 'u_first'), first);
    this.#gl.drawArrays(this.#gl.TRIANGLES, 0, 6 * count);
  }

  #uniform(held: Resources, program: WebGLProgram, group: string, name: string): WebGLUniformLocation | null {
    const key = `${group}.${name}`;
    const known = held.uniforms.get(key);
    if (known !== undefined) return known;
    const found = this.#gl.getUniformLocation(program, name);
    held.uniforms.set(key, found);
    return found;
  }

  #load(): void {
    const gl = this.#gl;
    if (gl.isContextLost()) return;
    const picture = beginProgram(gl, pictureVertex, pictureFragment);
    const outline = beginProgram(gl, outlineVertex, outlineFragment);
    this.#resources = {
      linking: [picture, outline],
      picture: picture.program,
      look: undefined,
      outline: outline.program,
      images: this.#scene.panes.map(() => gl.createTexture()),
      second: gl.createTexture(),
      luts: this.#scene.panes.map(() => gl.createTexture()),
      labels: gl.createTexture(),
      points: gl.createTexture(),
      empty: gl.createVertexArray(),
      base: { frame: gl.createFramebuffer(), texture: gl.createTexture(), size: '', key: '' },
      uniforms: new Map(),
      floatLinear: gl.getExtension('OES_texture_float_linear') !== null,
    };
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.#scene.panes.forEach((pane, index) => {
      pane.shape = '';
      this.#uploadLut(index);
      this.#uploadPicture(index);
    });
    this.#uploadSecond();
    this.#uploadOutlines();
    this.#uploadLabels();
  }

  #texture(texture: WebGLTexture, filter: number): void {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  }

  #uploadLut(index: number): void {
    const gl = this.#gl;
    const texture = this.#resources?.luts[index];
    const pane = this.#scene.panes[index];
    if (texture === undefined || pane === undefined) return;
    this.#texture(texture, gl.NEAREST);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, pane.lut);
  }

  #uploadSecond(): void {
    const gl = this.#gl;
    const second = this.#scene.look?.second ?? null;
    if (this.#resources === undefined || second === null) return;
    const { kind, width, height, values } = second;
    const [inner, type] = kind === 'float' ? [gl.R32F, gl.FLOAT] : [gl.R8, gl.UNSIGNED_BYTE];
    this.#texture(this.#resources.second, kind === 'float' && !this.#resources.floatLinear ? gl.NEAREST : gl.LINEAR);
    gl.texImage2D(gl.TEXTURE_2D, 0, inner, width, height, 0, gl.RED, type, values);
  }

  #uploadPicture(index: number): void {
    const gl = this.#gl;
    const held = this.#resources;
    const image = held?.images[index];
    const pane = this.#scene.panes[index];
    if (held === undefined || image === undefined || pane === undefined || pane.picture === null) return;
    const { picture } = pane;
    const { kind, width, height, values } = picture;
    const [inner, type] = kind === 'float' ? [gl.R32F, gl.FLOAT] : [gl.R8, gl.UNSIGNED_BYTE];
    const shape = `${kind} ${String(width)} ${String(height)}`;
    if (shape === pane.shape) {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, image);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RED, type, values);
      return;
    }
    this.#texture(image, kind === 'float' && !held.floatLinear ? gl.NEAREST : gl.LINEAR);
    gl.texImage2D(gl.TEXTURE_2D, 0, inner, width, height, 0, gl.RED, type, values);
    pane.shape = shape;
  }

  #uploadOutlines(): void {
    const gl = this.#gl;
    const held = this.#resources;
    const { outlines } = this.#scene;
    if (held === undefined || outlines === null) return;
    const rows = Math.max(1, Math.ceil(outlines.points.length / 4 / textureWidth));
    const padded = new Float32Array(rows * textureWidth * 4);
    padded.set(outlines.points);
    this.#texture(held.points, gl.NEAREST);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, textureWidth, rows, 0, gl.RGBA, gl.FLOAT, padded);
  }

  #uploadLabels(): void {
    const gl = this.#gl;
    const held = this.#resources;
    const { labels } = this.#scene;
    if (held === undefined || labels.length === 0) return;
    const rows = Math.ceil(labels.length / textureWidth);
    const padded = new Uint8Array(rows * textureWidth).fill(hiddenLabel);
    padded.set(labels);
    this.#texture(held.labels, gl.NEAREST);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, textureWidth, rows, 0, gl.RED, gl.UNSIGNED_BYTE, padded);
  }
}
