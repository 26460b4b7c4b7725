// SPDX-License-Identifier: MIT

/** A user who owns nothing. */
const nobody = 65_534;

/** Does something with the rights of a user who owns nothing; for root, who may do everything, permissions would mean nothing. */
export async function withoutRights<T>(act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await act();
  process.setegid?.(nobody);
  process.seteuid?.(nobody);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
