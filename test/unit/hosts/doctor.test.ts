// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { builtPart } from '../../../main/hosts/server/doctor.ts';

it('a window that is not built yet is no fault of a fresh clone, but one of an installation', () => {
  expect(builtPart('window', 'Built window', '/nowhere', false)).toMatchObject({
    status: 'ok',
    detail: 'not built yet; the first `npm start` builds it',
  });
  expect(builtPart('window', 'Built window', '/nowhere', true)).toMatchObject({
    status: 'problem',
    fix: 'Install Calyx again.',
  });
  expect(builtPart('window', 'Built window', import.meta.filename, true).status).toBe('ok');
});
