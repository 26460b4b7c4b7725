// SPDX-License-Identifier: MIT
/** The generated pages by their path. */
export function generatedPages(): Readonly<Record<string, string>>;
