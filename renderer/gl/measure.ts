// SPDX-License-Identifier: MIT

/** How fast this window draws, and who draws. */
export interface DrawingSpeed {
  readonly msPerFrame: number;
  readonly renderer: string;
}

const [size, frames] = [608, 30];

/** Kept for the next measurement: to destroy a context holds up the window. */
let kept: OffscreenCanvas | undefined;

const vertex = `#version 300 es
in vec2 at; out vec2 uv; void main() { uv = at * 0.5 + 0.5; gl_Position = vec4(at, 0.0, 1.0); }`;
const fragment = `#version 300 es
precision mediump float; uniform sampler2D frame; in vec2 uv; out vec4 colour; void main() { colour = vec4(vec3(texture(frame, uv).r), 1.0); }`;

function shaderOf(gl: WebGL2RenderingContext, kind: number, source: string): WebGLShader {
  const shader = gl.createShader(kind);
  if (shader === null) throw new Error('The window gave no shader.');
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  return shader;
}

/** Uploads and draws frames of a scope's size, each waited for, and says how long one takes. */
export async function measureDrawing(now: () => number = () => performance.now()): Promise<DrawingSpeed> {
  kept ??= new OffscreenCanvas(size, size);
  const gl = kept.getContext('webgl2');
  if (gl === null) throw new Error('This window cannot draw with WebGL 2: update the graphics driver or the browser.');
  const program = gl.createProgram();
  gl.attachShader(program, shaderOf(gl, gl.VERTEX_SHADER, vertex));
  gl.attachShader(program, shaderOf(gl, gl.FRAGMENT_SHADER, fragment));
  gl.linkProgram(program);
  gl.useProgram(program);
  const corners = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, corners);
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 3, -1, -1, 3]), gl.STATIC_DRAW);
  const at = gl.getAttribLocation(program, 'at');
  gl.enableVertexAttribArray(at);
  gl.vertexAttribPointer(at, 2, gl.FLOAT, false, 0, 0);
  const frame = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, frame);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  const pixels = new Uint8Array(size * size);
  const one = new Uint8Array(4);
  let [began, total] = [0, 0];
  for (let n = 0; n <= frames; n += 1) {
    pixels.fill((n * 7) % 256);
    // The first one is compiled and is not counted; the page stays alive between frames.
    await new Promise((resolve) => setTimeout(resolve, 0));
    began = now();
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, size, size, 0, gl.RED, gl.UNSIGNED_BYTE, pixels);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, one);
    if (n > 0) total += now() - began;
  }
  const known = gl.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(gl.getParameter(known === null ? gl.RENDERER : known.UNMASKED_RENDERER_WEBGL));
  for (const shader of gl.getAttachedShaders(program) ?? []) gl.deleteShader(shader);
  gl.deleteProgram(program);
  gl.deleteBuffer(corners);
  gl.deleteTexture(frame);
  return { msPerFrame: total / frames, renderer };
}
