// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { dialectOf, textOf, whyNoNumber } from '../../../main/text-tables/index.ts';

/** Rows of a table with its header first. */
function read(text: string): string[][] {
  const [header = '', ...rows] = text.split('\n');
  const { fields } = dialectOf(header, rows.join('\n'), (why, line) => new Error(`line ${line}: ${why}`));
  return rows.map((row, i) => fields(row, i + 2));
}

describe('tables in text files', () => {
  it('with semicolons or tabs between the columns have commas before the decimals, or points', () => {
    expect(read('t;x\n0,5;-1,25\n1;3,5e-3\n1.234,5;x')).toEqual([
      ['0.5', '-1.25'],
      ['1', '3.5e-3'],
      ['1.234,5', 'x'],
    ]);
    expect(read('t;x\n0.5;2.5')).toEqual([['0.5', '2.5']]);
    expect(read('t\tx\n12,5\t1,234')).toEqual([['12.5', '1.234']]);
    // What can be read two ways is read as what can be read only one way, though that comes later.
    expect(read('t\tx\n1,234\t5\n0,033\t6')).toEqual([
      ['1.234', '5'],
      ['0.033', '6'],
    ]);
  });

  it('with quotes keep what is in them together', () => {
    expect(read('t,x,name\n"0,5","12,75","a ""b"", c"\n"1,5",2,')).toEqual([
      ['0.5', '12.75', 'a "b", c'],
      ['1.5', '2', ''],
    ]);
  });

  it('are refused where a number could mean two things', () => {
    expect(() => read('t\tx\n1,234\t5,678')).toThrow('line 2: “1,234” could be 1234 or 1.234');
    expect(() => read('t;x\n0,5;1\n1.5;2')).toThrow(
      'line 3: “1.5” has its decimals behind a point, numbers before it behind a comma; what is meant cannot be told.',
    );
    expect(() => read('t;x\n1.500;2,5')).toThrow('line 2');
  });

  it('say that numbers have no marks between thousands', () => {
    for (const field of ['1.234,5', '1,234.5', '1.234.567', '1’234.5', '1 234,5'])
      expect(whyNoNumber(field), field).toContain('between thousands');
    expect(whyNoNumber('abc')).toBe('');
  });

  it('are read by the mark of their encoding', () => {
    for (const bytes of [
      Buffer.from('x;µ'),
      Buffer.from('\uFEFFx;µ'),
      Buffer.from('\uFEFFx;µ', 'utf16le'),
      Buffer.from('\uFEFFx;µ', 'utf16le').swap16(),
    ])
      expect(textOf(bytes)).toBe('x;µ');
  });
});
