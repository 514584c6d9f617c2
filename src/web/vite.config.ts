/** How the pages are bundled: two entries, names with a hash of their content, nothing inline. */
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin, type UserConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * The script goes before the first paint, where browsers can do that: the theme that the reader chose is there from the
 * beginning, without inline script.
 */
const beforeFirstPaint: Plugin = {
  name: 'before-first-paint',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
  },
};

const config: UserConfig = defineConfig({
  root: here('.'),
  // Relative: the server may stand behind a path of a proxy.
  base: './',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [beforeFirstPaint],
  build: {
    outDir: here('../../dist/web'),
    emptyOutDir: true,
    target: 'es2022',
    // A data: URL or an inline polyfill would need a hole in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: [here('index.html'), here('admin.html')] },
  },
});

// oxlint-disable-next-line import/no-default-export -- Vite reads its settings from the default export.
export default config;
