// SPDX-License-Identifier: MIT

/** The fields of an object that hold something. */
export type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is `undefined`: in a message, and where later values win over earlier ones, that is not the same as nothing given. */
export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
