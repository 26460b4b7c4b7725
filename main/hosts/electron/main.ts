// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';
import { app, BrowserWindow, Menu, session, shell } from 'electron';
import { type CoreProcess, startCore } from './core-process.ts';
import { failurePage, mayNavigate, startingPage, webPreferences } from './policy.ts';

/** How long the shell waits for the core after the window has closed; a core with a running job outlives it. */
const stopGraceMs = 5000;

/** The packed application keeps the core outside the archive; in the repository it runs from its sources. */
function coreEntry(): string {
  const packed = path.join(process.resourcesPath, 'core', 'server.js');
  return existsSync(packed) ? packed : path.join(app.getAppPath(), 'main', 'hosts', 'server', 'main.ts');
}

function coreArguments(): readonly string[] {
  const library = process.env['CALYX_LIBRARY'];
  return library === undefined || library === '' ? [] : ['--library', library];
}

function createWindow(): BrowserWindow {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 960,
    minHeight: 600,
    show: false,
    backgroundColor: '#0f0f0f',
    title: 'Calyx',
    webPreferences,
  });
  window.once('ready-to-show', () => window.show());
  return window;
}

/** Refuses everything a page could ask of the shell. Called before the first window exists, so that it sees that one too. */
function lockDown(coreAddress: () => string): void {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  session.defaultSession.setDevicePermissionHandler(() => false);
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }));
    contents.on('will-navigate', (event, target) => {
      if (!mayNavigate(target, coreAddress())) event.preventDefault();
    });
    contents.on('will-redirect', (event, target) => {
      if (!mayNavigate(target, coreAddress())) event.preventDefault();
    });
    contents.on('will-attach-webview', (event) => event.preventDefault());
  });
}

function applicationMenu(): Menu {
  const licence = path.join(app.getAppPath(), 'LICENSE');
  return Menu.buildFromTemplate([
    ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
    { role: 'fileMenu' },
    {
      label: 'View',
      submenu: [{ role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, { role: 'togglefullscreen' }],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [{ label: 'Licence', click: () => void shell.openPath(licence) }] },
  ]);
}

async function stopCore(core: CoreProcess): Promise<void> {
  core.stop();
  const grace = new Promise<void>((resolve) => {
    setTimeout(resolve, stopGraceMs);
  });
  await Promise.race([core.ended, grace]);
}

async function start(): Promise<void> {
  await app.whenReady();
  Menu.setApplicationMenu(applicationMenu());
  const core = startCore(coreEntry(), coreArguments(), process.env['CALYX_NODE_BIN'] ?? 'node');
  let stopping = false;
  app.on('will-quit', (event) => {
    if (stopping) return;
    stopping = true;
    event.preventDefault();
    void stopCore(core).finally(() => app.exit(0));
  });
  let address = '';
  lockDown(() => address);
  const window = createWindow();
  app.on('second-instance', () => {
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  try {
    await window.loadURL(startingPage());
    address = await core.address;
    await window.loadURL(address);
  } catch (error) {
    await window.loadURL(failurePage(error instanceof Error ? error.message : String(error)));
  }
}

if (app.requestSingleInstanceLock()) {
  app.on('window-all-closed', () => app.quit());
  void start();
} else {
  app.quit();
}
