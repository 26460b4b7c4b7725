// SPDX-License-Identifier: MIT
import type { Kept } from './kept.ts';
import type { PaneCount } from './picture-scene.ts';
import type { PictureView } from './picture-view.ts';
import { fitView, panBy, type Point, type Size, toImage, type View, zoomAt } from './viewport.ts';

/** What a stage tells the panel that owns it. */
export interface StageEvents {
  /** The pointer is over an image point, or has left (`null`). `reach` is 12 CSS pixels in image pixels. */
  readonly onPoint?: (point: Point | null, reach: number) => void;
  /** A click (not a drag) on an image point. */
  readonly onPick?: (point: Point, reach: number, shift: boolean) => void;
  /** After each drawing: where things are, for what lies over the canvas. */
  readonly onDrawn?: (view: View, panel: Size) => void;
  /** The person moved or zoomed the picture. */
  readonly onMoved?: () => void;
  readonly onLost?: (lost: boolean) => void;
  /** The graphics driver cannot draw it. */
  readonly onFault?: (error: unknown) => void;
}

const dragThreshold = 4;
const pickReach = 12;

/** An element that shows one picture: it follows the panel's size, zooms with the wheel, pans by dragging and tells what is pointed at. */
export class PictureStage {
  readonly picture: PictureView;
  readonly #canvas: HTMLCanvasElement;
  readonly #pictures: Kept<PictureView>;
  readonly #events: StageEvents;
  readonly #resize: ResizeObserver;
  /** One pane. Nothing is drawn before it was measured: a canvas of another size is new memory, and the window waits for the driver to get it. */
  #panel: Size = { width: 1, height: 1 };
  #isMeasured = false;
  #across = 1;
  #image: Size = { width: 1, height: 1 };
  #view: View = { center: { x: 0, y: 0 }, zoom: 1 };
  /** The whole picture is shown, also after a change of size. */
  #fitted = true;
  #scheduled = 0;
  #drag: { id: number; x: number; y: number; moved: boolean } | undefined;

  /** @param pictures where what draws is borrowed until `dispose` */
  constructor(host: HTMLElement, pictures: Kept<PictureView>, events: StageEvents) {
    this.#events = events;
    this.#pictures = pictures;
    this.picture = pictures.lend(host);
    this.picture.onLost = (lost) => {
      events.onLost?.(lost);
      this.redraw();
    };
    const { canvas } = this.picture;
    this.#canvas = canvas;
    this.#resize = new ResizeObserver(() => this.#measure());
    this.#resize.observe(canvas);
    canvas.addEventListener('wheel', this.#wheel, { passive: false });
    canvas.addEventListener('pointerdown', this.#down);
    canvas.addEventListener('pointermove', this.#move);
    canvas.addEventListener('pointerup', this.#up);
    canvas.addEventListener('pointercancel', this.#up);
    canvas.addEventListener('pointerleave', this.#leave);
  }

  /** Gives back what it borrowed. */
  dispose(): void {
    cancelAnimationFrame(this.#scheduled);
    this.#resize.disconnect();
    const canvas = this.#canvas;
    canvas.removeEventListener('wheel', this.#wheel);
    canvas.removeEventListener('pointerdown', this.#down);
    canvas.removeEventListener('pointermove', this.#move);
    canvas.removeEventListener('pointerup', this.#up);
    canvas.removeEventListener('pointercancel', this.#up);
    canvas.removeEventListener('pointerleave', this.#leave);
    this.#pictures.giveBack(this.picture);
  }

  get view(): View {
    return this.#view;
  }

  get panel(): Size {
    return this.#panel;
  }

  get image(): Size {
    return this.#image;
  }

  /** Shows one picture, or four that share the view. */
  setPanes(count: PaneCount): void {
    const across = count === 1 ? 1 : 2;
    if (across === this.#across) return;
    this.#across = across;
    this.picture.setPanes(count);
    this.#measure();
  }

  /** Size of the picture; a new size shows the whole of it. */
  setImageSize(image: Size): void {
    if (image.width === this.#image.width && image.height === this.#image.height) return;
    this.#image = image;
    this.fit();
  }

  /** Shows the whole picture. */
  fit(): void {
    this.#fitted = true;
    this.#view = fitView(this.#panel, this.#image);
    this.redraw();
  }

  /** Shows a part of it. */
  setView(view: View): void {
    this.#fitted = false;
    this.#view = view;
    this.redraw();
  }

  /** Zooms about the panel's middle. */
  zoomBy(factor: number): void {
    this.#zoom({ x: this.#panel.width / 2, y: this.#panel.height / 2 }, factor);
  }

  /** Draws with the next frame of the screen. */
  redraw(): void {
    if (this.#scheduled !== 0 || !this.#isMeasured) return;
    this.#scheduled = requestAnimationFrame(() => {
      this.#scheduled = 0;
      try {
        if (!this.picture.draw(this.#view, this.#panel, window.devicePixelRatio)) {
          this.redraw();
          return;
        }
      } catch (error) {
        this.#events.onFault?.(error);
        return;
      }
      this.#events.onDrawn?.(this.#view, this.#panel);
    });
  }

  #measure(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#isMeasured = true;
    this.#panel = { width: clientWidth / this.#across, height: clientHeight / this.#across };
    if (this.#fitted) this.#view = fitView(this.#panel, this.#image);
    this.redraw();
  }

  #zoom(pointer: Point, factor: number): void {
    this.#view = zoomAt(this.#view, this.#panel, this.#image, pointer, factor);
    this.#fitted = this.#view.zoom === fitView(this.#panel, this.#image).zoom;
    this.#events.onMoved?.();
    this.redraw();
  }

  #place(event: MouseEvent): Point {
    const box = this.#canvas.getBoundingClientRect();
    const { width, height } = this.#panel;
    // In every pane the same point is the same place.
    return { x: (event.clientX - box.left) % width, y: (event.clientY - box.top) % height };
  }

  readonly #wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.#zoom(this.#place(event), Math.exp((-event.deltaY * lines) / 400));
  };

  readonly #down = (event: PointerEvent): void => {
    if (event.button > 1) return;
    this.#drag = { id: event.pointerId, x: event.clientX, y: event.clientY, moved: false };
    this.#canvas.setPointerCapture(event.pointerId);
  };

  readonly #move = (event: PointerEvent): void => {
    const drag = this.#drag;
    if (drag === undefined) {
      this.#events.onPoint?.(toImage(this.#view, this.#panel, this.#place(event)), pickReach / this.#view.zoom);
      return;
    }
    const dx = event.clientX - drag.x;
    const dy = event.clientY - drag.y;
    if (!drag.moved && Math.hypot(dx, dy) < dragThreshold) return;
    this.#drag = { id: drag.id, x: event.clientX, y: event.clientY, moved: true };
    this.#fitted = false;
    this.#view = panBy(this.#view, this.#panel, this.#image, dx, dy);
    this.#events.onMoved?.();
    this.redraw();
  };

  readonly #up = (event: PointerEvent): void => {
    const drag = this.#drag;
    this.#drag = undefined;
    if (drag === undefined || drag.moved || event.type === 'pointercancel' || event.button !== 0) return;
    this.#events.onPick?.(
      toImage(this.#view, this.#panel, this.#place(event)),
      pickReach / this.#view.zoom,
      event.shiftKey,
    );
  };

  readonly #leave = (): void => {
    this.#events.onPoint?.(null, 0);
  };
}
