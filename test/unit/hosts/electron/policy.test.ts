// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import {
  coreFlags,
  coreForm,
  failurePage,
  findAddress,
  mayNavigate,
  webPreferences,
} from '../../../../main/hosts/electron/policy.ts';
import { recordingFlags } from '../../../../main/supervisor/index.ts';

const address = 'http://127.0.0.1:41234/#token=abc_DEF-123';

describe('the window', () => {
  it('has nothing of Node inside it', () => {
    expect(webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      webviewTag: false,
    });
  });

  it('finds the address among other lines of the core', () => {
    expect(findAddress(`Calyx 0.1\nListening on ${address}\nmore`)).toBe(address);
  });

  it.each(['http://192.168.0.4:41234/#token=abc', 'https://127.0.0.1:1/#token=abc', 'http://127.0.0.1:41234/', ''])(
    'takes no address from "%s"',
    (printed) => {
      expect(findAddress(printed)).toBeUndefined();
    },
  );

  it('stays on the core', () => {
    expect(mayNavigate('http://127.0.0.1:41234/review', address)).toBe(true);
  });

  it.each([
    'http://127.0.0.1:41235/',
    'http://localhost:41234/',
    'https://127.0.0.1:41234/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http://127.0.0.1:41234@example.org/',
    'not an address',
  ])('does not go to %s', (target) => {
    expect(mayNavigate(target, address)).toBe(false);
  });

  it('goes nowhere before the core has said its address', () => {
    expect(mayNavigate('http://127.0.0.1:41234/', '')).toBe(false);
  });
});

describe('the core beside the shell', () => {
  it('is a child of a newer Node where Electron has Node-API 8', () => {
    expect(coreForm('8')).toBe('node-child');
    expect(coreForm(undefined)).toBe('node-child');
  });

  it('is a utility process from Node-API 10 on', () => {
    expect(coreForm('10')).toBe('utility-process');
  });
});

describe('the page shown when the core did not start', () => {
  it('shows the cause as text, never as markup', () => {
    const page = decodeURIComponent(failurePage('<script>alert("x")</script> & more'));
    expect(page).not.toContain('<script>alert');
    expect(page).toContain('&#60;script&#62;');
  });
});

describe('the core in the shell', () => {
  it('runs with the flags of every process that records', () => {
    expect(coreFlags).toEqual(recordingFlags);
  });
});
