// SPDX-License-Identifier: MIT
/**
 * Where a picture lies in a panel. Image coordinates: the centre of the top-left pixel is (0, 0), x to the right, y down; screen
 * coordinates: CSS pixels from the panel's top-left corner.
 */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The image point in the panel's middle and the CSS pixels one image pixel takes. */
export interface View {
  readonly center: Point;
  readonly zoom: number;
}

const mostZoom = 64;

/** The whole picture, as large as it goes. */
export function fitView(panel: Size, image: Size): View {
  const zoom = Math.min(panel.width / image.width, panel.height / image.height);
  return { center: { x: (image.width - 1) / 2, y: (image.height - 1) / 2 }, zoom: zoom > 0 ? zoom : 1 };
}

/** Where an image point is drawn. */
export function toScreen(view: View, panel: Size, point: Point): Point {
  return {
    x: (point.x - view.center.x) * view.zoom + panel.width / 2,
    y: (point.y - view.center.y) * view.zoom + panel.height / 2,
  };
}

/** The image point under a screen point. */
export function toImage(view: View, panel: Size, point: Point): Point {
  return {
    x: (point.x - panel.width / 2) / view.zoom + view.center.x,
    y: (point.y - panel.height / 2) / view.zoom + view.center.y,
  };
}

/** Zooms by a factor so that the image point under the pointer stays there; never smaller than the whole picture. */
export function zoomAt(view: View, panel: Size, image: Size, pointer: Point, factor: number): View {
  const least = fitView(panel, image).zoom;
  const zoom = Math.max(least, Math.min(mostZoom, view.zoom * factor));
  if (zoom === least) return fitView(panel, image);
  const fixed = toImage(view, panel, pointer);
  const center = {
    x: fixed.x - (pointer.x - panel.width / 2) / zoom,
    y: fixed.y - (pointer.y - panel.height / 2) / zoom,
  };
  return keepInside({ center, zoom }, panel, image);
}

/** Moves the picture with the pointer. */
export function panBy(view: View, panel: Size, image: Size, dx: number, dy: number): View {
  const center = { x: view.center.x - dx / view.zoom, y: view.center.y - dy / view.zoom };
  return keepInside({ center, zoom: view.zoom }, panel, image);
}

/** A view with the given point in the middle and `span` image pixels across the panel's shorter side. */
export function viewOf(panel: Size, image: Size, center: Point, span: number): View {
  const zoom = Math.max(fitView(panel, image).zoom, Math.min(mostZoom, Math.min(panel.width, panel.height) / span));
  return keepInside({ center, zoom }, panel, image);
}

function keepInside(view: View, panel: Size, image: Size): View {
  const clamp = (value: number, length: number, room: number): number => {
    const half = room / view.zoom / 2;
    const middle = (length - 1) / 2;
    if (half * 2 >= length) return middle;
    return Math.max(half - 0.5, Math.min(length - 0.5 - half, value));
  };
  return {
    zoom: view.zoom,
    center: {
      x: clamp(view.center.x, image.width, panel.width),
      y: clamp(view.center.y, image.height, panel.height),
    },
  };
}

/** A round length in image pixels that takes about `wanted` CSS pixels, for the scale bar. */
export function scaleBar(zoom: number, wanted = 64): { readonly imagePx: number; readonly screenPx: number } {
  const raw = wanted / zoom;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const imagePx = [1, 2, 5, 10].map((step) => step * magnitude).find((length) => length >= raw * 0.7) ?? magnitude;
  return { imagePx, screenPx: imagePx * zoom };
}
