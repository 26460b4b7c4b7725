// SPDX-License-Identifier: MIT
import { openHdf5, numbers, rowsOfHdf5 } from '../hdf5.ts';
import type { MatFile } from './mat-value.ts';

/** Opens a MAT file of version 7.3, which is HDF5 with MATLAB's axes reversed; the order of the values is the same. @throws AppError `interop.unreadable` */
export async function openMat73(place: string): Promise<MatFile> {
  const file = await openHdf5(place);
  const inside = (name: string): string => name.replaceAll('.', '/');
  return {
    names: (of) => file.names(of === undefined ? '/' : inside(of)).filter((name) => !name.startsWith('#')),
    get: (name) => {
      const at = inside(name);
      const sparseRows = file.number(at, 'MATLAB_sparse');
      if (sparseRows !== null) {
        const [rows, starts, values] = ['ir', 'jc', 'data'].map((part) =>
          numbers(file.numeric(`${at}/${part}`)?.values),
        );
        if (starts === undefined || starts.length === 0) return null;
        return {
          kind: 'sparse',
          shape: [sparseRows, starts.length - 1],
          rows: rows ?? [],
          starts,
          values: values ?? [],
        };
      }
      // An empty one is stored as its sizes.
      if (file.number(at, 'MATLAB_empty') === 1) return null;
      const found = file.numeric(at);
      return found === null ? null : { kind: 'numbers', shape: found.shape.toReversed(), values: found.values };
    },
    table: (name) => {
      const at = inside(name);
      if (file.number(at, 'MATLAB_sparse') !== null || file.number(at, 'MATLAB_empty') === 1) return null;
      const [columns, rows, ...more] = file.shape(at) ?? [];
      if (columns === undefined || rows === undefined || more.length > 0) return null;
      return {
        shape: [rows, columns],
        rows: rowsOfHdf5(place, at, [columns, rows], true),
        column: (index) =>
          file.part(at, [
            [index, index + 1],
            [0, rows],
          ]),
      };
    },
    pages: (name) => {
      const at = inside(name);
      const [count, second, first, ...more] = file.shape(at) ?? [];
      if (count === undefined || second === undefined || first === undefined || more.length > 0) return null;
      file.checkClaim(at);
      return {
        shape: [first, second, count],
        read: (from, to) =>
          file.part(at, [
            [from, to],
            [0, second],
            [0, first],
          ]),
      };
    },
    objectClass: (name) =>
      file.number(inside(name), 'MATLAB_object_decode') === null ? null : file.attribute(inside(name), 'MATLAB_class'),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}
