// SPDX-License-Identifier: MIT
/** Tables in text files. See README.md. */
export { Decimals, UnclearDecimals, whyNoNumber } from './decimals.ts';
export { type Dialect, dialectOf, type Separator } from './dialect.ts';
export { textOf } from './text-of.ts';
