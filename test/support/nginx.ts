/**
 * A private nginx in front of a server: one process, on a free port of 127.0.0.1, with all its files in a temporary
 * folder, and with its default buffering. Knows the two sites that people have: the one that docs/OPERATIONS.md
 * tells them to have, taken from there word for word, and the shortest one, which breaks WebSockets.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { readProjectFile } from '../docs/markdown.ts';
import { endsWithin, findFreePort, findProgram, makeFolder, notePid, until } from './services.ts';

export type NginxOptions = {
  /**
   * `documented`: the site of docs/OPERATIONS.md, without TLS. `plain`: `proxy_pass` and nothing else, so HTTP/1.0
   * towards the server and no upgrades.
   */
  site: 'documented' | 'plain';
  /** A page at `/pages/`, so of the server's origin, and the folder whose files are beneath it. */
  pages?: { html: string; folder: string };
};

export type Nginx = {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Everything that the log of requests has so far. */
  accessLog(): Promise<string>;
};

const startDeadlineMs = 10_000;

/** Why none can be started here; undefined: one can. */
export function whyNoNginx(): string | undefined {
  return program() === undefined ? 'nginx is not installed' : undefined;
}

/** `targetUrls`: the server behind it, or the nodes. Stopped in teardown. */
export async function startNginx(
  t: ExecutionContext,
  targetUrls: string | readonly string[],
  options: NginxOptions,
): Promise<Nginx> {
  const file = program();
  if (file === undefined) throw new Error(whyNoNginx());
  const folder = await makeFolder('nginx');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const port = await findFreePort();
  const targets = [targetUrls].flat().map((url) => new URL(url).host);
  const site = options.site === 'documented' ? documentedSite(port, targets, folder) : plainSite(port, targets);
  await writeFile(join(folder, 'nginx.conf'), wholeConfig(folder, withPages(site, options.pages)));

  const child = spawn(file, ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')], {
    stdio: 'ignore',
  });
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    if (!(await endsWithin(child, 3000))) child.kill('SIGKILL');
    await ended;
  });
  await notePid(folder, child.pid);
  try {
    await until(startDeadlineMs, () => isListening(child, join(folder, 'nginx.pid')));
  } catch (error) {
    const log = await readFile(join(folder, 'error.log'), 'utf8').catch(() => '');
    throw new Error(`nginx did not start. It wrote:\n${log}`, { cause: error });
  }
  return { url: `http://127.0.0.1:${port}`, accessLog: () => readFile(join(folder, 'access.log'), 'utf8') };
}

function program(): string | undefined {
  // Debian puts it where only root looks.
  return findProgram('nginx', ['/usr/sbin', '/usr/local/sbin']);
}

/** nginx writes its process id once it has its port. */
async function isListening(child: ChildProcess, pidFile: string): Promise<void> {
  const pid = await readFile(pidFile, 'utf8');
  if (Number(pid) !== child.pid) throw new Error('nginx has not written its process id.');
}

/** `site` is what stands in the http block. */
function wholeConfig(folder: string, site: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
# One process, which its starter can end without leaving others behind.
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 512; }
http {
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  types { text/html html; text/javascript js; }
  access_log ${folder}/access.log;
  # As Debian's nginx.conf has it.
  gzip on;
  ${site}
}
`;
}

function plainSite(port: number, [target]: readonly string[]): string {
  return `server {
  listen 127.0.0.1:${port};
  location / { proxy_pass http://${target}; }
}`;
}

/** Every line that is exchanged must be there, or the document has changed and nobody would notice. */
function documentedSite(port: number, targets: readonly string[], folder: string): string {
  const examples = [...readProjectFile('docs/OPERATIONS.md').matchAll(/```nginx\n(.*?)```/gs)];
  const [block, ofNodes] = examples.map(([, example]) => example);
  if (block === undefined || ofNodes === undefined) throw new Error('docs/OPERATIONS.md has no examples for nginx.');
  const exchanged: readonly [documented: string, here: string][] = [
    ['listen 443 ssl;', `listen 127.0.0.1:${port};`],
    ['ssl_certificate /etc/ssl/chat.example.org.pem;', ''],
    ['ssl_certificate_key /etc/ssl/chat.example.org.key;', ''],
    ['/var/log/nginx/finchat.log', `${folder}/access.log`],
    ['/var/log/nginx/finchat-error.log', `${folder}/error.log`],
  ];
  const site = exchanged.reduce((text, [documented, here]) => exchange(text, documented, here), block);
  const [first = ''] = targets;
  if (targets.length === 1) return exchange(site, 'http://127.0.0.1:8000;', `http://${first};`);
  return siteOfNodes(site, ofNodes, targets);
}

/** The second example says what is different with several nodes: the `upstream`, and lines of the location. */
function siteOfNodes(site: string, ofNodes: string, targets: readonly string[]): string {
  const [upstream = '', server = ''] = ofNodes.split(/^server /m);
  const location = /location \/ \{\n(.*?)\n +\}/s.exec(server)?.[1] ?? '';
  const addresses = [...upstream.matchAll(/10\.0\.0\.\d+:8000/g)].map(([address]) => address);
  if (addresses.length !== targets.length) throw new Error(`The example has ${addresses.length} nodes.`);
  const here = addresses.reduce((text, address, index) => exchange(text, address, targets[index] ?? ''), upstream);
  return here + exchange(site, '    proxy_pass http://127.0.0.1:8000;', location);
}

function withPages(site: string, pages: NginxOptions['pages']): string {
  if (pages === undefined) return site;
  const locations = `location = /pages/ { default_type text/html; return 200 '${pages.html}'; }
  location /pages/ { alias ${pages.folder}/; }`;
  return exchange(site, 'location / {', `${locations}\n  location / {`);
}

function exchange(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`The site has no "${from}".`);
  return text.replace(from, to);
}
