// SPDX-License-Identifier: MIT
import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Serves the window on a core in memory: `npx vite --config test/support/window/vite.config.ts`. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  server: { port: 5199, strictPort: true, fs: { allow: [path.join(import.meta.dirname, '..', '..', '..')] } },
});
