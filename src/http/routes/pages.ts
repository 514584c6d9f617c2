import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { notFound, Refusal } from '../answers.ts';
import type { RouteTools } from '../dependencies.ts';
import { sendPage } from '../pages.ts';

// Asked for anew each time: it names the assets of the build that the server has.
const page = 'no-cache';
// An asset's name holds a hash of its content: under this name it never changes.
const asset = 'public, max-age=31536000, immutable';
/** As the bundler writes them. Nothing else is looked for in the folder, the compressed forms by their own names neither. */
const assetName = /^[\w-]+(\.[\w-]+)*\.(js|css|svg|png|woff2)$/;

/**
 * `GET /`: the chat. `GET /admin`: administration. `GET /assets/{name}`: what they are made of. All addresses within
 * the pages are relative, so that the server may stand behind a path of a proxy.
 */
export function pageRoutes(router: Router, { settings }: RouteTools): void {
  const show = async (ctx: RouterContext, path: string): Promise<void> => {
    if (await sendPage(ctx, settings.webFolder, path, page)) return;
    throw new Refusal(503, 'The pages are not built. Run `npm run build`, then start the server again.');
  };
  router.get('/', (ctx) => show(ctx, 'index.html'));
  router.get('/admin', async (ctx) => {
    if (ctx.path !== '/admin/') return show(ctx, 'admin.html');
    // Its assets are sought beside it, and beneath /admin/ there are none.
    ctx.redirect('../admin');
    ctx.body = '';
  });
  router.get('/assets/:name', async (ctx) => {
    const name = ctx.params['name'] ?? '';
    if (!assetName.test(name) || !(await sendPage(ctx, settings.webFolder, `assets/${name}`, asset))) throw notFound();
  });
}
