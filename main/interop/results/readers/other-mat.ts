// SPDX-License-Identifier: MIT
import { unreadable } from '../check.ts';
import type { ResultReader } from '../foreign-result.ts';
import { namesOfMat } from '../mat/index.ts';

/** A MAT file of nobody we know: refused with what is in it, which says more than that it is no film. */
export const otherMat: ResultReader = {
  program: 'mat',
  title: 'MATLAB file',
  recognises: async (place) => {
    using file = await namesOfMat(place);
    return file !== null;
  },
  read: async (place) => {
    using file = await namesOfMat(place);
    const names = file?.names() ?? [];
    throw unreadable(
      place,
      `it holds ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}, which is not what CNMF-E, MIN1PIPE or CellReg write. A tracking of the animal comes in by calyx position add.`,
    );
  },
};
