// SPDX-License-Identifier: MIT
export function copyModules(
  names: readonly string[],
  from: string,
  into: string,
  system?: { readonly platform?: string; readonly arch?: string },
): string[];
