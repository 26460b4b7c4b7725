// SPDX-License-Identifier: MIT
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOwnHost, isOwnOrigin, newToken, sameToken, staticFile } from '../../../../main/hosts/server/guard.ts';

describe('the server lets in', () => {
  it('its own names and pages only', () => {
    expect(isOwnHost('127.0.0.1:5000', 5000)).toBe(true);
    for (const host of [undefined, 'evil.example:5000', '127.0.0.1:5001']) expect(isOwnHost(host, 5000)).toBe(false);
    expect(isOwnOrigin('http://127.0.0.1:5000', 5000)).toBe(true);
    for (const origin of ['http://evil.example', 'null', 'https://127.0.0.1:5000'])
      expect(isOwnOrigin(origin, 5000)).toBe(false);
  });

  it('its own token only', () => {
    const token = newToken();
    expect(sameToken(token, token)).toBe(true);
    for (const given of ['', `${token}x`, newToken()]) expect(sameToken(given, token)).toBe(false);
  });

  it('files of the window, never folders or what lies beside them', () => {
    expect(staticFile('/w', '/')?.file).toBe(path.join('/w', 'index.html'));
    const refused = [
      '/../a.js',
      '/%2e%2e/a.js',
      '/..%2fa.js',
      '/a/../../b.js',
      '/.env',
      '/assets/',
      '/assets',
      '//a.js',
    ];
    for (const wanted of [...refused, '/a\\..\\b.js', '/a.sqlite', 'http://x/a.js'])
      expect(staticFile('/w', wanted), wanted).toBeUndefined();
  });
});
