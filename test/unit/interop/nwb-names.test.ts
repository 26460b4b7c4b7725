// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { namesOf } from '../../../main/interop/nwb/events.ts';

test('types of events and attributes of trials get names of their own in the file', () => {
  expect(namesOf(['lever press', 'lever/press', 'Licht an', '!!'])).toEqual([
    'lever_press',
    'lever_press_2',
    'Licht_an',
    '_',
  ]);
  // A column of the table itself is not taken over.
  expect(namesOf(['start_time', 'tone'], ['id', 'start_time'])).toEqual(['start_time_2', 'tone']);
});
