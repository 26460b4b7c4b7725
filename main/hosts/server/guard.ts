// SPDX-License-Identifier: MIT
/** What the server lets in. Pure, so that each rule has a test. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import path from 'node:path';

/** A new random token, fit for a URL. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Compares without telling by its duration how much was right. */
export function sameToken(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** Names by which this machine's browser may call the server; anything else is another site's name pointing here. */
export function isOwnHost(host: string | undefined, port: number): boolean {
  return host === `127.0.0.1:${String(port)}` || host === `localhost:${String(port)}`;
}

/** A page of another site may not open a socket. Programs send no origin; they still need a token. */
export function isOwnOrigin(origin: string | undefined, port: number): boolean {
  return (
    origin === undefined ||
    origin === `http://127.0.0.1:${String(port)}` ||
    origin === `http://localhost:${String(port)}`
  );
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

/** A file of the built window. */
export interface StaticFile {
  readonly file: string;
  readonly type: string;
  /** Its name carries a hash of its contents, so it never changes. */
  readonly isImmutable: boolean;
}

/**
 * The file a request path names: inside `folder`, of a known type, never a folder; undefined for everything else. Only plain names are taken, so that no
 * encoding of `..` can lead out.
 */
export function staticFile(folder: string, requestPath: string): StaticFile | undefined {
  const [pathname = '/'] = requestPath.split(/[?#]/, 1);
  const wanted = pathname === '/' ? '/index.html' : pathname;
  if (!/^(\/[\w-][\w.-]*)+$/.test(wanted)) return undefined;
  const type = types[path.extname(wanted)];
  if (type === undefined) return undefined;
  return { file: path.join(folder, ...wanted.slice(1).split('/')), type, isImmutable: wanted.startsWith('/assets/') };
}

/** Headers of every answer: nothing from elsewhere, nothing inline, no frame, no sniffing; isolated, so that shared memory works in the window. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
