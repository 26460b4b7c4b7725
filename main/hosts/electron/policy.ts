// SPDX-License-Identifier: MIT
/** What the window may do. Pure, so that it is tested without Electron. */

/** The line with which the core says where it listens. */
const addressLine = /\bhttp:\/\/127\.0\.0\.1:(\d{1,5})\/#token=[\w-]+/;

/** The core's address in what it has printed so far, or undefined. */
export function findAddress(printed: string): string | undefined {
  return addressLine.exec(printed)?.[0];
}

/** Flags of the core's Node: those of the supervisor's `recordingFlags`, which the shell does not see (a test holds them together). */
export const coreFlags: readonly string[] = ['--max-semi-space-size=4'];

/** Whether the window may go to `target`: the core's own origin and nothing else. */
export function mayNavigate(target: string, coreAddress: string): boolean {
  try {
    const wanted = new URL(target);
    return wanted.protocol === 'http:' && wanted.origin === new URL(coreAddress).origin;
  } catch {
    return false;
  }
}

/** The window's web preferences: nothing of Node inside it. */
export const webPreferences = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInSubFrames: false,
  nodeIntegrationInWorker: false,
  webviewTag: false,
  spellcheck: false,
} as const;

/** Node-API 10 came with Node 22.14; better-sqlite3 13 needs it. Older ones (Electron 22 has 8) abort when it opens a database. */
export const neededNapi = 10;

/** How the core is started: inside Electron's own Node, or by a separate one. */
export function coreForm(napiVersion: string | undefined): 'utility-process' | 'node-child' {
  return Number(napiVersion ?? 0) >= neededNapi ? 'utility-process' : 'node-child';
}

const pageStyle = `<!doctype html><meta charset="utf-8"><title>Calyx</title>
<style>body{background:#111;color:#ddd;font:15px/1.5 sans-serif;margin:15vh auto;max-width:40em}pre{white-space:pre-wrap;color:#aaa;font-size:12px}</style>`;

function asAddress(html: string): string {
  return `data:text/html;charset=utf-8,${encodeURIComponent(html)}`;
}

/** A page to look at while the core starts. */
export function startingPage(): string {
  return asAddress(`${pageStyle}<p>Calyx is starting: opening the library.</p>`);
}

/** A page that says why there is no workstation; shown when the core did not start. */
export function failurePage(cause: string): string {
  const escaped = cause.replace(/[&<>"]/g, (character) => `&#${String(character.charCodeAt(0))};`);
  return asAddress(`${pageStyle}
<h1>The core did not start</h1><p>Close this window and start Calyx again. If it happens again, <code>calyx doctor</code> on the command line says what is missing.</p><pre>${escaped}</pre>`);
}
