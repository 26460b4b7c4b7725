// SPDX-License-Identifier: MIT
import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const root = import.meta.dirname;

/** The window: what a browser or the Electron shell loads from the core. */
export default defineConfig({
  root: path.join(root, 'renderer'),
  base: './',
  plugins: [react()],
  build: {
    outDir: path.join(root, 'out/renderer'),
    emptyOutDir: true,
    // Electron 22 (the oldest shell that is tested) carries Chromium 108.
    target: 'chrome108',
    cssTarget: 'chrome108',
    // The page's policy allows nothing inline: fonts and workers stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Loaded from this machine: one file is quicker than a chain of them.
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: 'es' },
});
