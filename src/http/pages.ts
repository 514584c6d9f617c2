/**
 * The built pages, sent from their folder in the smallest form that the client takes: the build made the compressed ones.
 * Which address shows which page is for routes/pages.ts. Headers of pages differ from those of REST: a page runs scripts.
 */
import { send } from '@koa/send';
import type Koa from 'koa';
import helmet from 'koa-helmet';

/**
 * Sends a file of the folder. `path` must not come from the client as it is. False: there is no such file.
 * There is no tag to ask with again: npm gives all files of a package the same time, so what a tag is usually made of
 * would be that of the version before. A page has some 400 bytes; what it loads is never asked for twice.
 */
export async function sendPage(ctx: Koa.Context, folder: string, path: string, cacheControl: string): Promise<boolean> {
  const sent = await send(ctx, path, { root: folder }).catch(noneWhereMissing);
  if (sent === undefined) return false;
  await pageHeaders(ctx, async () => {});
  ctx.set('Cache-Control', cacheControl);
  ctx.remove('Last-Modified');
  ctx.vary('Accept-Encoding');
  return true;
}

function noneWhereMissing(error: Error & { status?: number }): undefined {
  if (error.status !== 404) throw error;
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
