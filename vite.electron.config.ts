// SPDX-License-Identifier: MIT
import { defineConfig } from 'vite';

/** The Electron shell as one CommonJS file that Node 16 (Electron 22) can read. */
export default defineConfig({
  build: {
    ssr: 'main/hosts/electron/main.ts',
    outDir: 'out/electron',
    emptyOutDir: true,
    target: 'node16',
    minify: false,
    rollupOptions: { output: { format: 'cjs', entryFileNames: 'main.cjs' } },
  },
  ssr: { noExternal: true, external: ['electron'] },
});
