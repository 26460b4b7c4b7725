// SPDX-License-Identifier: MIT
/** Sessions over each other: the same in both themes, since they lie on a dark ground. */
const dayColours = ['#5aa6f5', '#f0a93c', '#c274ab', '#42dcb2', '#eef2a6', '#93adff'] as const;
/** The same on the ground of panels, in both themes. */
const dayTokens = ['--c1', '--c2', '--c6', '--c3', '--c4', '--c7'] as const;
/** Told apart without colour, too. */
const dayDashes: ReadonlyArray<readonly number[]> = [[], [5, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]];
/** Of a session, on the dark ground of pictures. */
export const colourOf = (session: number): string => dayColours[session % dayColours.length] ?? '#d0d2d4';
/** Of a session, as a token of the theme. */
export const tokenOf = (session: number): string => dayTokens[session % dayTokens.length] ?? '--c8';
/** Strokes of a session: lengths drawn and left out, px. */
export const dashOf = (session: number): readonly number[] => dayDashes[session % dayDashes.length] ?? [];
