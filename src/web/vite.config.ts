/** How the pages are bundled: two entries, names with a hash of their content, nothing inline. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
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

const outDir = here('../../dist/web');

/** Puts `x.br` and `x.gz` beside each `x` that becomes smaller by it, once at build time, so it may take its time. */
const compress: Plugin = {
  name: 'compress',
  async writeBundle(_options, bundle) {
    const compressOne = async (name: string): Promise<void> => {
      const path = join(outDir, name);
      const plain = await readFile(path);
      const forms = [
        ['.br', await promisify(brotliCompress)(plain, { params: { [zlib.BROTLI_PARAM_QUALITY]: 11 } })],
        ['.gz', await promisify(gzip)(plain, { level: 9 })],
      ] as const;
      for (const [ending, form] of forms) if (form.length < plain.length) await writeFile(path + ending, form);
    };
    await Promise.all(Object.keys(bundle).map(compressOne));
  },
};

const config: UserConfig = defineConfig({
  root: here('.'),
  // Relative: the server may stand behind a path of a proxy.
  base: './',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [beforeFirstPaint, compress],
  // While working on the pages: what is not theirs is asked of a server on its usual port.
  server: {
    proxy: Object.fromEntries(
      ['/ws', '/sse', '/poll', '/register', '/login', '/logout', '/profile', '/rooms', '/admin/api'].map((path) => [
        path,
        { target: 'http://127.0.0.1:8000', ws: path === '/ws' },
      ]),
    ),
  },
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2022',
    // A data: URL or an inline polyfill would need a hole in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: [here('index.html'), here('admin.html')],
      // Compressing takes most of a build's time, and that is no fault.
      checks: { pluginTimings: false },
    },
  },
});

// oxlint-disable-next-line import/no-default-export -- Vite reads its settings from the default export.
export default config;
