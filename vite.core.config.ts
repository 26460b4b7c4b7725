// SPDX-License-Identifier: MIT
import path from 'node:path';
import { defineConfig, type Plugin } from 'vite';

/** Entries of the packed core: the server, and the files that run in processes or threads of their own. */
const entries: Record<string, string> = {
  server: 'main/hosts/server/main.ts',
  cli: 'main/hosts/cli/main.ts',
  'media-process': 'main/media/media-process.ts',
  'capture-process': 'main/acquisition/capture-process.ts',
  'board-process': 'main/devices/simulator/board-process.ts',
  'edit-process': 'main/media/edit-process.ts',
  'library-worker': 'main/library/library-worker.ts',
  'reader-process': 'main/library/reader/reader-process.ts',
  'read-worker': 'main/interop/results/read-worker.ts',
  'convert-worker': 'main/interop/films/convert-worker.ts',
  'export-worker': 'main/interop/export-worker.ts',
  'datajoint-worker': 'main/interop/datajoint/intake/import-worker.ts',
  'position-worker': 'main/position/read-worker.ts',
  'travel-worker': 'main/travel/travel-worker.ts',
  'explore-worker': 'main/explore/explore-worker.ts',
};

/** Sources name such a file by its address beside them; in the bundle all entries lie in one folder. */
function entryAddresses(): Plugin {
  return {
    name: 'entry-addresses',
    enforce: 'pre',
    transform(code, id) {
      return code.replaceAll(
        /new URL\(\s*["']([^"']+)\.ts["'],\s*import\.meta\.url\s*\)/g,
        (whole, relative: string) => {
          const wanted = path.resolve(path.dirname(id), `${relative}.ts`);
          const entry = Object.entries(entries).find(([, file]) => path.resolve(file) === wanted);
          return entry === undefined ? whole : `new URL('./${entry[0]}.js', import.meta.url)`;
        },
      );
    },
  };
}

/** The core for the packed application: plain JavaScript beside the archive. */
export default defineConfig({
  plugins: [entryAddresses()],
  build: {
    ssr: true,
    outDir: 'out/core',
    emptyOutDir: true,
    target: 'node22',
    minify: false,
    rollupOptions: {
      input: entries,
      output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunk-[hash].js' },
    },
  },
  ssr: { noExternal: true, external: ['better-sqlite3', 'serialport'] },
});
