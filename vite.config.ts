// SPDX-License-Identifier: MIT
import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type HtmlTagDescriptor, type Plugin } from 'vite';

const root = import.meta.dirname;

/** What `main.tsx` imports in a task of its own is fetched together with it, not after it. */
const fetchAppAtOnce: Plugin = {
  name: 'fetch-app-at-once',
  transformIndexHtml: {
    order: 'post',
    handler(html, { bundle = {} }) {
      const tags = new Map<string, HtmlTagDescriptor>();
      const link = (name: string, attrs: Record<string, string>): void => {
        if (html.includes(name) || tags.has(name)) return;
        tags.set(name, { tag: 'link', attrs: { ...attrs, crossorigin: '', href: `./${name}` }, injectTo: 'head' });
      };
      const seen = new Set<string>();
      const follow = (name: string): void => {
        const chunk = bundle[name];
        if (chunk?.type !== 'chunk' || seen.has(name)) return;
        seen.add(name);
        for (const other of chunk.imports) follow(other);
        link(name, { rel: 'modulepreload' });
        for (const sheet of chunk.viteMetadata?.importedCss ?? []) link(sheet, { rel: 'stylesheet' });
      };
      for (const [name, chunk] of Object.entries(bundle))
        if (chunk.type === 'chunk' && chunk.facadeModuleId?.endsWith('/renderer/app.tsx') === true) follow(name);
      if (seen.size === 0) throw new Error('renderer/app.tsx is no part of its own any more');
      return [...tags.values()];
    },
  },
};

/** The window: what a browser or the Electron shell loads from the core. */
export default defineConfig({
  root: path.join(root, 'renderer'),
  base: './',
  plugins: [react(), fetchAppAtOnce],
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
