// SPDX-License-Identifier: MIT
import {
  BoxGeometry,
  BufferGeometry,
  ConeGeometry,
  CylinderGeometry,
  EdgesGeometry,
  EllipseCurve,
  Group,
  Line,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshBasicMaterial,
  PerspectiveCamera,
  Quaternion,
  Scene,
  Vector3,
  WebGLRenderer,
} from 'three';
import { type Drawer, Kept } from '../gl/kept.ts';

/** A smaller turn is not drawn, rad. */
const leastTurn = 0.002;
/** 20 pictures a second are enough for a head. */
const drawEveryMs = 50;

/** A scope on a head, turned as its sensor says; the arrow points to the animal's nose. */
export class HeadView implements Drawer {
  readonly #renderer: WebGLRenderer;
  readonly canvas = document.createElement('canvas');
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(32, 1, 0.1, 50);
  readonly #body = new Group();
  readonly #lines = new LineBasicMaterial();
  readonly #floor = new LineBasicMaterial();
  readonly #faces = new MeshBasicMaterial({ polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 });
  #scheduled = 0;
  #drawnAt = 0;
  readonly #drawn = new Quaternion();
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#renderer = new WebGLRenderer({ canvas: this.canvas, antialias: true, alpha: true });
    this.#build();
    this.#camera.up.set(0, 0, 1);
    this.#camera.position.set(2.4, -6, 3.8);
    this.#camera.lookAt(0.1, 0, -0.15);
    // When it is put into an element its size changes: then it is dressed and drawn.
    new ResizeObserver(() => this.#measure()).observe(this.canvas);
    new MutationObserver(() => this.#dress()).observe(document.documentElement, { attributeFilter: ['data-theme'] });
  }

  /** Turns the head: a unit quaternion, z up. */
  turn({ w, x, y, z }: { readonly w: number; readonly x: number; readonly y: number; readonly z: number }): void {
    this.#body.quaternion.set(x, y, z, w).normalize();
    if (this.#drawn.angleTo(this.#body.quaternion) <= leastTurn || this.#later !== undefined) return;
    const wait = drawEveryMs - (performance.now() - this.#drawnAt);
    if (wait <= 0) this.#draw();
    else {
      // The last of several quick turns is where the head stays: it must be seen.
      this.#later = setTimeout(() => {
        this.#later = undefined;
        this.#draw();
      }, wait);
    }
  }

  get isLost(): boolean {
    return this.#renderer.getContext().isContextLost();
  }

  rest(): void {
    cancelAnimationFrame(this.#scheduled);
    clearTimeout(this.#later);
    this.#scheduled = 0;
    this.#later = undefined;
    this.#body.quaternion.identity();
  }

  #build(): void {
    const add = (geometry: BufferGeometry, place: Vector3, turn = 0): void => {
      for (const part of [
        new Mesh(geometry, this.#faces),
        new LineSegments(new EdgesGeometry(geometry, 30), this.#lines),
      ]) {
        part.position.copy(place);
        part.rotation.z = turn;
        this.#body.add(part);
      }
    };
    add(new BoxGeometry(1.1, 1.1, 1.2), new Vector3(0, 0, 0.1));
    add(new CylinderGeometry(0.28, 0.28, 0.35, 24).rotateX(Math.PI / 2), new Vector3(0, 0, 0.85));
    const shaft = new BufferGeometry().setFromPoints([new Vector3(0.55, 0, -0.4), new Vector3(1.35, 0, -0.4)]);
    this.#body.add(new Line(shaft, this.#lines));
    add(new ConeGeometry(0.12, 0.32, 12).rotateZ(-Math.PI / 2), new Vector3(1.45, 0, -0.4));
    const ring = new EllipseCurve(0, 0, 1.7, 1.7).getPoints(72).map(({ x, y }) => new Vector3(x, y, -0.8));
    this.#scene.add(new Line(new BufferGeometry().setFromPoints(ring), this.#floor), this.#body);
  }

  #dress(): void {
    if (!this.canvas.isConnected) return;
    const token = (name: string): string => getComputedStyle(this.canvas).getPropertyValue(name).trim();
    this.#lines.color.set(token('--fg-0'));
    this.#floor.color.set(token('--fg-off'));
    this.#faces.color.set(token('--bg-2'));
    this.#draw();
  }

  #measure(): void {
    const { clientWidth, clientHeight } = this.canvas;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#renderer.setPixelRatio(window.devicePixelRatio);
    this.#renderer.setSize(clientWidth, clientHeight, false);
    this.#camera.aspect = clientWidth / clientHeight;
    this.#camera.updateProjectionMatrix();
    this.#dress();
  }

  #draw(): void {
    if (this.#scheduled !== 0) return;
    this.#scheduled = requestAnimationFrame(() => {
      this.#scheduled = 0;
      this.#drawnAt = performance.now();
      this.#drawn.copy(this.#body.quaternion);
      this.#renderer.render(this.#scene, this.#camera);
    });
  }
}

export const heads = new Kept(() => new HeadView());
