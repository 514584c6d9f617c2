/** nginx with Nchan, where both are installed: one process, a channel for each room, everything in memory. */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort, findProgram, until } from '../test/support/services.ts';
import { type Contestant, openDoors, running } from './contestant.ts';
import type { Transport, Wire } from './plan.ts';
import { serverCore, startProgram, stop } from './processes.ts';
import { warmUpPath } from './raw-nchan.ts';

export type NchanName = 'nchan' | 'nchan-sse' | 'nchan-poll';

const wires: Readonly<Record<NchanName, { transport: Transport; wire: Wire }>> = {
  nchan: { transport: 'websocket', wire: 'nchan-websocket' },
  'nchan-sse': { transport: 'sse', wire: 'nchan-sse' },
  'nchan-poll': { transport: 'poll', wire: 'nchan-poll' },
};

// Where Debian and Fedora put modules.
const moduleFiles = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules'].map((folder) =>
  join(folder, 'ngx_nchan_module.so'),
);
const startDeadlineMs = 10_000;

export function nchanNames(transport: Transport): NchanName[] {
  const names = Object.keys(wires) as NchanName[];
  return names.filter((name) => wires[name].transport === transport);
}

export function isNchan(name: string): name is NchanName {
  return Object.hasOwn(wires, name);
}

/** Why it cannot be started here; undefined: it can. */
export function whyNoNchan(): string | undefined {
  return program() === undefined || moduleFile() === undefined ? 'nginx with Nchan is not installed' : undefined;
}

/** `parent`: a folder in which it makes one of its own. */
export function createNchan(name: NchanName, parent: string): Contestant {
  const folder = join(parent, name);
  return {
    name,
    meaning: 'nginx with Nchan: one process, messages in shared memory',
    wire: wires[name].wire,
    isNode: false,
    start: async () => {
      const [file, module] = [program(), moduleFile()];
      if (file === undefined || module === undefined) throw new Error(whyNoNchan());
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      const port = await findFreePort();
      await writeFile(join(folder, 'nginx.conf'), config(folder, port, module));
      const args = ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')];
      const child = startProgram(serverCore, file, args, { stdio: 'ignore' });
      try {
        await until(startDeadlineMs, () => isListening(child, join(folder, 'nginx.pid')));
      } catch (error) {
        await stop(child);
        throw new Error(`${name} did not start: ${await readFile(join(folder, 'error.log'), 'utf8')}`, {
          cause: error,
        });
      }
      return running(child, port);
    },
    ...openDoors,
  };
}

function program(): string | undefined {
  // Debian puts it where only root looks.
  return findProgram('nginx', ['/usr/sbin', '/usr/local/sbin']);
}

function moduleFile(): string | undefined {
  return moduleFiles.find((file) => existsSync(file));
}

/** nginx writes its process id once it has its port. */
async function isListening(child: ChildProcess, pidFile: string): Promise<void> {
  const pid = await readFile(pidFile, 'utf8');
  if (Number(pid) !== child.pid) throw new Error('nginx has not written its process id.');
}

function config(folder: string, port: number, module: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
# One process, like the others; a second one would have to be told of each message.
master_process off;
load_module ${module};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 16384; }
http {
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  access_log off;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  # The default; nginx does so where a connection is kept for a second request.
  tcp_nodelay on;
  nchan_shared_memory_size 256M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    # What clients under load ask for first: see raw-nchan.ts.
    location = ${warmUpPath} {
      return 204;
    }
    location ~ ^/room/(.+)$ {
      nchan_pubsub;
      nchan_channel_id $1;
      # Nobody who is behind misses anything: more than are ever in flight, and none from before.
      nchan_message_buffer_length 4096;
      nchan_subscriber_first_message oldest;
    }
  }
}
`;
}
