/** The pages as they are built, over HTTP: what a browser may keep, what it may run, and that no path leaves their folder. */
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { get, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { startApp, temporaryFolder } from '../support/app.ts';
import { openRestServer, sendRaw } from './rest-server.ts';

const built = fileURLToPath(new URL('../../web/', import.meta.url));
/** Bytes of compressed script that a first visit may load. */
const firstLoadBytes = 60_000;

type Got = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** Not `fetch`, which decompresses by itself and asks for what it likes. */
function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { headers, method, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** The relative addresses in a page's text, as paths within the folder. */
function filesOf(html: string): string[] {
  return [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path.replace(/^\.\//, ''));
}

async function builtFiles(t: ExecutionContext): Promise<string[]> {
  const entries = await readdir(built, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name).slice(built.length));
  t.true(files.includes('index.html'), 'the pages are not built: npm run build');
  return files;
}

for (const [path, file] of [
  ['/', 'index.html'],
  ['/admin', 'admin.html'],
] as const) {
  test(`${path} is a page that is asked for anew each time`, async (t) => {
    const { url } = await startApp(t);
    const first = await ask(url + path);
    t.is(first.status, 200);
    t.is(first.headers['content-type'], 'text/html; charset=utf-8');
    t.is(first.headers['cache-control'], 'no-cache');
    t.is(first.headers['last-modified'], undefined);
    t.deepEqual(first.body, await readFile(join(built, file)));
    const head = await ask(url + path, {}, 'HEAD');
    t.deepEqual([head.status, head.body.length], [200, 0]);
    t.is(head.headers['content-length'], String(first.body.length));
  });

  test(`what ${path} is made of is kept for a year under its name`, async (t) => {
    const { url } = await startApp(t);
    const assets = filesOf((await ask(url + path)).body.toString());
    t.true(assets.length > 0);
    for (const asset of assets) {
      t.regex(asset, /^assets\/[\w.-]+-[\w-]{8}\.\w+$/);
      const { status, headers } = await ask(`${url}/${asset}`);
      t.is(status, 200, asset);
      t.is(headers['cache-control'], 'public, max-age=31536000, immutable');
      t.regex(headers['content-type'] ?? '', /^(text\/(javascript|css); charset=utf-8|image\/svg\+xml|application\/)/);
    }
  });
}

test('/admin/ leads to /admin, also behind a path of a proxy', async (t) => {
  const { url } = await startApp(t);
  const { status, headers } = await ask(`${url}/admin/`);
  t.is(status, 302);
  t.is(new URL(headers.location ?? '', 'http://proxy.example/chat/admin/').href, 'http://proxy.example/chat/admin');
});

test('a page may run and fetch what comes from this server, and nothing inline', async (t) => {
  const { url } = await startApp(t);
  for (const path of ['/', '/admin', `/${filesOf((await ask(url)).body.toString())[0]}`]) {
    const { headers } = await ask(url + path);
    const policy = String(headers['content-security-policy']).split(';');
    t.deepEqual(policy.toSorted(), [
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "font-src 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "img-src 'self' data:",
      "manifest-src 'self'",
      "require-trusted-types-for 'script'",
      "script-src 'self'",
      "style-src 'self'",
      "trusted-types 'none'",
    ]);
    t.is(headers['x-content-type-options'], 'nosniff');
    t.is(headers['referrer-policy'], 'no-referrer');
    t.is(headers['cross-origin-opener-policy'], 'same-origin');
    t.is(headers['cross-origin-resource-policy'], 'same-origin');
    t.is(headers['x-frame-options'], 'DENY');
    t.regex(String(headers['permissions-policy']), /microphone=\(\)/);
  }
});

test('an answer comes in the smallest form that the client takes', async (t) => {
  const { url } = await startApp(t);
  const { body: plain } = await ask(url);
  const forms = [
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, br;q=0', 'gzip'],
    ['gzip', 'gzip'],
    ['*', 'br'],
    ['deflate', undefined],
    ['br;q=0, gzip;q=0', undefined],
    ['', undefined],
  ] as const;
  for (const [accepted, encoding] of forms) {
    const { headers, body } = await ask(url, { 'accept-encoding': accepted });
    t.is(headers['content-encoding'], encoding, accepted);
    t.regex(headers.vary ?? '', /accept-encoding/i);
    t.is(headers['content-length'], String(body.length));
    const read = encoding === 'br' ? brotliDecompressSync : encoding === 'gzip' ? gunzipSync : (it: Buffer) => it;
    t.deepEqual(read(body), plain, accepted);
    t.true(encoding === undefined || body.length < plain.length);
  }
});

test('no path leaves the folder of the pages, and what is not there is refused as JSON', async (t) => {
  const { url } = await startApp(t);
  const paths = [
    '/assets/../../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets/..%5c..%5cpackage.json',
    '/assets//etc/passwd',
    '/assets/%2fetc%2fpasswd',
    '/assets/.',
    '/assets/..',
    '/assets/',
    '/assets',
    '/assets/__proto__',
    '/assets/constructor',
    '/assets/..%2findex.html',
    '/../package.json',
    '//etc/passwd',
    '/index.html',
    '/index.html.br',
    '/admin.html',
    '/admin/index.html',
    '/.env',
    '/package.json',
  ];
  const { port } = new URL(url);
  for (const path of paths) {
    // As bytes: an HTTP client would tidy the path.
    const answer = await sendRaw(Number(port), `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    t.regex(answer, /^HTTP\/1\.1 404 /, path);
    t.true(answer.endsWith('{"detail":"Not found."}'), `${path}: ${answer}`);
  }
  const nul = await sendRaw(Number(port), 'GET /assets/x%00.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  t.regex(nul, /^HTTP\/1\.1 400 /);
  const posted = await ask(url, {}, 'POST');
  t.is(posted.status, 405);
  t.regex(posted.headers.allow ?? '', /^GET, HEAD$|^HEAD, GET$/);
});

test('a server whose pages are not built says so, and chats all the same', async (t) => {
  const app = await startApp(t, { overrides: { webFolder: join(await temporaryFolder(t), 'none') } });
  for (const path of ['/', '/admin']) {
    const { status, body } = await app.request('GET', path);
    t.is(status, 503);
    t.regex((body as { detail: string }).detail, /npm run build/);
  }
  await app.chat('ada');
});

test('a build beside a running server shows with the next request, and what is gone costs the server nothing', async (t) => {
  const webFolder = await temporaryFolder(t);
  await mkdir(join(webFolder, 'assets'));
  const build = async (name: string): Promise<void> => {
    await rm(join(webFolder, 'assets'), { recursive: true });
    await mkdir(join(webFolder, 'assets'));
    await writeFile(join(webFolder, 'assets', name), name);
    await writeFile(join(webFolder, 'index.html'), `<!doctype html><script src="./assets/${name}"></script>`);
    // npm gives the files of all packages this time.
    await utimes(join(webFolder, 'index.html'), 499_162_500, 499_162_500);
  };
  await build('a-00000001.js');
  const { url } = await openRestServer(t, { settings: { webFolder } });
  const { headers } = await ask(url);
  const known = { 'if-modified-since': headers['last-modified'] ?? new Date().toUTCString() };
  // The same length, as the names of two builds have.
  await build('a-00000002.js');
  const next = await ask(url, known);
  t.is(next.status, 200);
  t.regex(next.body.toString(), /a-00000002/);
  const gone = await ask(`${url}/assets/a-00000001.js`);
  t.deepEqual([gone.status, gone.headers['cache-control']], [404, 'no-store']);
  t.is((await ask(`${url}/assets/a-00000002.js`)).body.toString(), 'a-00000002.js');
});

test('what counts requests names the pages’ routes, never a path that somebody made up', async (t) => {
  const { url, metricsPort } = await startApp(t, { env: { METRICS_PORT: '0' } });
  const [asset = ''] = filesOf((await ask(url)).body.toString());
  for (const path of ['/admin', `/${asset}`, '/assets/made-up.js', '/made-up']) await ask(url + path);
  const { body } = await ask(`http://127.0.0.1:${metricsPort}/metrics`);
  const routes = [...body.toString().matchAll(/requests_total\{[^}]*route="([^"]+)"/g)].map(([, route = '']) => route);
  t.deepEqual([...new Set(routes)].toSorted(), ['/', '/admin', '/assets/:name', 'unmatched']);
});

test('the build has nothing inline, and no address of another server', async (t) => {
  for (const file of await builtFiles(t)) {
    if (/\.(br|gz|png|ico|woff2)$/.test(file)) continue;
    const text = await readFile(join(built, file), 'utf8');
    // Names of XML vocabularies, which nobody fetches.
    const foreign = text.replaceAll('http://www.w3.org/', '').match(/(https?:)?\/\/[\w-]+(\.[\w-]+)+/g) ?? [];
    t.deepEqual(foreign, [], file);
    if (!file.endsWith('.html')) continue;
    t.regex(text, /^<!doctype html>\s*<html lang="en">/);
    t.regex(text, /<noscript>[^<]+<\/noscript>/, 'who lets no script run is told why the page is empty');
    t.notRegex(text, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:/i, file);
    for (const address of filesOf(text)) t.regex(address, /^assets\//, 'it is relative');
  }
});

test('what becomes smaller by it is there in both compressed forms', async (t) => {
  const files = await builtFiles(t);
  for (const page of ['index.html', 'admin.html']) {
    t.true(files.includes(`${page}.br`) && files.includes(`${page}.gz`), page);
  }
  for (const file of files.filter((name) => /\.(br|gz)$/.test(name))) {
    const form = await readFile(join(built, file));
    const plain = file.endsWith('.br') ? brotliDecompressSync(form) : gunzipSync(form);
    t.deepEqual(plain, await readFile(join(built, file.slice(0, -3))), file);
    t.true(form.length < plain.length, file);
  }
});

for (const page of ['index.html', 'admin.html']) {
  test(`a first visit of ${page} loads less than 60 kB of script`, async (t) => {
    await builtFiles(t);
    const loaded = new Set<string>();
    const load = async (file: string): Promise<void> => {
      if (!file.endsWith('.js') || loaded.has(file)) return;
      loaded.add(file);
      const text = await readFile(join(built, file), 'utf8');
      // Static imports, as the bundler writes them: those of `import()` are for later.
      const imports = text.matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([^"']+)["']/g);
      for (const [, name = ''] of imports) await load(`assets/${name}`);
    };
    for (const file of filesOf(await readFile(join(built, page), 'utf8'))) await load(file);
    t.true(loaded.size > 0);
    let bytes = 0;
    for (const file of loaded) {
      const form = await readFile(join(built, `${file}.gz`)).catch(() => readFile(join(built, file)));
      bytes += form.length;
    }
    t.log(`${bytes} bytes in ${loaded.size} files`);
    t.true(bytes > 0 && bytes < firstLoadBytes, `${bytes} bytes`);
  });
}
