// SPDX-License-Identifier: MIT
/** The shader programs: a picture through a lookup table, and outlines whose width and dashes are screen pixels. */

/** Corners of the picture's rectangle come from the vertex number; no buffer is needed. */
export const pictureVertex = `#version 300 es
uniform vec2 u_size;
uniform vec2 u_center;
uniform float u_zoom;
uniform vec2 u_panel;
out vec2 v_uv;
void main() {
  vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1));
  v_uv = corner;
  vec2 screen = (corner * u_size - 0.5 - u_center) * u_zoom;
  gl_Position = vec4(screen.x * 2.0 / u_panel.x, -screen.y * 2.0 / u_panel.y, 0.0, 1.0);
}`;

export const pictureFragment = `#version 300 es
precision highp float;
uniform highp sampler2D u_image;
uniform sampler2D u_lut;
uniform vec2 u_levels;
uniform float u_gain;
in vec2 v_uv;
out vec4 colour;
void main() {
  float value = texture(u_image, v_uv).r * u_gain;
  float share = clamp((value - u_levels.x) / (u_levels.y - u_levels.x), 0.0, 1.0);
  colour = vec4(texture(u_lut, vec2((share * 255.0 + 0.5) / 256.0, 0.5)).rgb, 1.0);
}`;

/**
 * The same picture, seen another way with a second one beside it: 1 marks what is saturated, 2 shows the change relative to the second picture, 3 lays the second
 * picture over it in complementary colours (what fits is grey).
 */
export const lookFragment = `#version 300 es
precision highp float;
uniform highp sampler2D u_image;
uniform highp sampler2D u_second;
uniform sampler2D u_lut;
uniform vec2 u_levels;
uniform vec2 u_secondLevels;
uniform float u_gain;
uniform float u_secondGain;
uniform int u_look;
in vec2 v_uv;
out vec4 colour;
vec3 coloured(float share) {
  return texture(u_lut, vec2((clamp(share, 0.0, 1.0) * 255.0 + 0.5) / 256.0, 0.5)).rgb;
}
void main() {
  float value = texture(u_image, v_uv).r * u_gain;
  float second = texture(u_second, v_uv).r * u_secondGain;
  float share = (value - u_levels.x) / (u_levels.y - u_levels.x);
  vec3 shown = coloured(share);
  if (u_look == 1) {
    if (value >= 254.5) shown = vec3(1.0, 0.25, 0.2);
    else if (value <= 0.5) shown = vec3(0.15, 0.35, 0.75);
  } else if (u_look == 2) {
    shown = coloured(((value - second) / max(second, 4.0) - u_secondLevels.x) / (u_secondLevels.y - u_secondLevels.x));
  } else {
    float under = (second - u_secondLevels.x) / (u_secondLevels.y - u_secondLevels.x);
    shown = clamp(vec3(share, under, share), 0.0, 1.0);
  }
  colour = vec4(shown, 1.0);
}`;

/**
 * Six vertices are one segment of a ring, as two triangles, from point b to point c; a and d are its neighbours, so that joints are mitred and
 * nothing is drawn twice. The points come from a texture by the number of the vertex: an instance for each segment would be a drawing of its own where a processor
 * draws (a second for 500 cells), and wastes most of a graphics card. Styles 0, 1, 2 belong to the labels undecided, accepted, rejected; `u_single` draws all as style 0. `u_rim` is the width
 * and opacity of a dark rim on both sides, drawn with the line so that many outlines cost one pass.
 */
export const outlineVertex = `#version 300 es
uniform highp sampler2D u_points;
uniform int u_first;
uniform vec2 u_center;
uniform float u_zoom;
uniform vec2 u_panel;
uniform sampler2D u_labels;
uniform bool u_single;
uniform vec4 u_colour[3];
uniform float u_width[3];
uniform float u_dash[3];
uniform vec2 u_rim;
out float v_across;
out float v_along;
flat out float v_half;
flat out vec4 v_colour;
flat out float v_dash;
vec4 point(int index) { return texelFetch(u_points, ivec2(index & 1023, index >> 10), 0); }
vec2 screen(vec4 point) { return (point.xy - u_center) * u_zoom; }
vec2 unit(vec2 v) { float l = length(v); return l > 1e-6 ? v / l : vec2(0.0); }
void main() {
  int segment = u_first + gl_VertexID / 6;
  int corner = gl_VertexID % 6;
  corner = corner < 3 ? corner : corner == 3 ? 2 : corner == 4 ? 1 : 3;
  vec4 at_from = point(segment + 1);
  int cell = int(at_from.w);
  int style = 0;
  if (!u_single && cell >= 0) style = int(texelFetch(u_labels, ivec2(cell & 1023, cell >> 10), 0).r * 255.0 + 0.5);
  if (cell < 0 || style > 2) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
  vec4 at_to = point(segment + 2);
  vec2 from = screen(at_from);
  vec2 to = screen(at_to);
  vec2 along = unit(to - from);
  bool end = (corner >> 1) == 1;
  vec2 other = end ? unit(screen(point(segment + 3)) - to) : unit(from - screen(point(segment)));
  vec2 tangent = unit(along + other);
  if (tangent == vec2(0.0)) tangent = along;
  vec2 normal = vec2(-tangent.y, tangent.x);
  float stretch = 1.0 / max(dot(normal, vec2(-along.y, along.x)), 0.4);
  float side = float(corner & 1) * 2.0 - 1.0;
  v_half = u_width[style] * 0.5;
  float reach = v_half + u_rim.x + 1.0;
  vec2 place = (end ? to : from) + normal * side * reach * stretch;
  v_across = side * reach;
  v_along = (end ? at_to.z : at_from.z) * u_zoom;
  v_colour = u_colour[style];
  v_dash = u_dash[style];
  gl_Position = vec4(place.x * 2.0 / u_panel.x, -place.y * 2.0 / u_panel.y, 0.0, 1.0);
}`;

export const outlineFragment = `#version 300 es
precision highp float;
in float v_across;
in float v_along;
flat in float v_half;
flat in vec4 v_colour;
flat in float v_dash;
uniform float u_pixel;
uniform vec2 u_rim;
out vec4 colour;
void main() {
  float dash = 1.0;
  if (v_dash > 0.0) {
    float phase = mod(v_along, v_dash);
    dash = clamp((v_dash * 0.6 - phase) / u_pixel + 0.5, 0.0, 1.0);
  }
  float cover = clamp((v_half - abs(v_across)) / u_pixel + 0.5, 0.0, 1.0) * dash;
  float rim = clamp((v_half + u_rim.x - abs(v_across)) / u_pixel + 0.5, 0.0, 1.0) * dash * u_rim.y;
  float alpha = v_colour.a * cover;
  colour = vec4(v_colour.rgb * alpha, alpha + rim * (1.0 - alpha));
}`;

/** A program that the driver is still making. */
export interface Linking {
  readonly program: WebGLProgram;
  readonly shaders: readonly WebGLShader[];
}

/** Begins to make a program; nothing is waited for. */
export function beginProgram(gl: WebGL2RenderingContext, vertex: string, fragment: string): Linking {
  const program = gl.createProgram();
  const compile = (type: number, source: string): WebGLShader => {
    const shader = gl.createShader(type);
    if (shader === null) throw new Error('The graphics driver gave no shader.');
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    return shader;
  };
  const shaders = [compile(gl.VERTEX_SHADER, vertex), compile(gl.FRAGMENT_SHADER, fragment)];
  gl.linkProgram(program);
  return { program, shaders };
}

/** Waits for a program where it is not made yet. @throws Error with the driver's words */
export function checkProgram(gl: WebGL2RenderingContext, { program, shaders }: Linking): void {
  if (gl.getProgramParameter(program, gl.LINK_STATUS) === true || gl.isContextLost()) return;
  for (const shader of shaders)
    if (gl.getShaderParameter(shader, gl.COMPILE_STATUS) !== true)
      throw new Error(`A shader did not compile: ${gl.getShaderInfoLog(shader) ?? ''}`);
  throw new Error(`The shaders did not link: ${gl.getProgramInfoLog(program) ?? ''}`);
}

/** Makes a program and waits for it. @throws Error with the driver's words */
export function linkProgram(gl: WebGL2RenderingContext, vertex: string, fragment: string): WebGLProgram {
  const linking = beginProgram(gl, vertex, fragment);
  checkProgram(gl, linking);
  return linking.program;
}
