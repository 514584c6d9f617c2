/**
 * The built pages: read once at the start, with their compressed forms, and answered from memory. So no request can
 * name a file, and a build beside a running server changes nothing under its clients' feet. Which address shows which
 * page is for routes/pages.ts. Headers of pages differ from those of REST: a page runs scripts.
 *
 * The tag is made of the content. The time of a file would not do: npm gives all files of a package the same one, and
 * the pages of two versions often have the same length.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import type Koa from 'koa';
import helmet from 'koa-helmet';

type File = {
  extension: string;
  tag: string;
  plain: Buffer;
  /** Those that the build made: where compressing gains nothing there are none. */
  compressed: { readonly br?: Buffer; readonly gzip?: Buffer };
};

/** By path within the folder, with `/` between: `index.html`, `assets/chat-1f2e.js`. */
export type Pages = ReadonlyMap<string, File>;

/** By preference: brotli is a sixth smaller. */
const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** Reads what `npm run build` has put into the folder. A folder that does not exist has no pages. */
export async function loadPages(folder: string): Promise<Pages> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(noneWhereMissing);
  const files = new Map<string, Buffer>();
  for (const entry of found.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path).replaceAll(sep, '/'), await readFile(path));
  }
  const isCompressed = (path: string): boolean =>
    encodings.some(([, ending]) => path.endsWith(ending) && files.has(path.slice(0, -ending.length)));
  const pages = new Map<string, File>();
  for (const [path, plain] of files) {
    if (isCompressed(path)) continue;
    const forms = encodings.flatMap(([name, ending]) => {
      const form = files.get(path + ending);
      return form === undefined ? [] : [[name, form] as const];
    });
    const hash = createHash('sha256').update(plain).digest('base64url');
    pages.set(path, {
      extension: extname(path),
      // 96 bits: two builds never share one by chance.
      tag: hash.slice(0, 16),
      plain,
      compressed: Object.fromEntries(forms),
    });
  }
  return pages;
}

function noneWhereMissing(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** Answers with the file, in the smallest form that the client takes, or with 304. False: there is no such file. */
export async function answerWithFile(
  ctx: Koa.Context,
  pages: Pages,
  path: string,
  cacheControl: string,
): Promise<boolean> {
  const file = pages.get(path);
  if (file === undefined) return false;
  await pageHeaders(ctx, async () => {});
  ctx.set('Cache-Control', cacheControl);
  ctx.vary('Accept-Encoding');
  // Weak: it is the same for all forms.
  ctx.set('ETag', `W/"${file.tag}"`);
  ctx.status = 200;
  if (ctx.fresh) {
    ctx.status = 304;
    return true;
  }
  ctx.type = file.extension;
  const encoding = encodings
    .map(([name]) => name)
    .find((name) => file.compressed[name] !== undefined && ctx.acceptsEncodings(name) === name);
  if (encoding !== undefined) ctx.set('Content-Encoding', encoding);
  ctx.body = encoding === undefined ? file.plain : file.compressed[encoding];
  return true;
}

/** What a page may do: run and fetch what comes from this server, and nothing else. */
const setPolicies = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'"],
      'img-src': ["'self'", 'data:'],
      'font-src': ["'self'"],
      'connect-src': ["'self'"],
      'manifest-src': ["'self'"],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
      // A text that became a script or markup by mistake is refused by the browser: the pages build elements.
      'require-trusted-types-for': ["'script'"],
      'trusted-types': ["'none'"],
    },
  },
  frameguard: { action: 'deny' },
  // Links lead to other sites, which need not know where this one is.
  referrerPolicy: { policy: 'no-referrer' },
  hsts: false,
}) as Koa.Middleware;

const pageHeaders: Koa.Middleware = async (ctx, next) => {
  await setPolicies(ctx, next);
  ctx.set('Permissions-Policy', 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()');
};
