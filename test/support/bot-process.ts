/** The built bot as a process of its own (`finchat bot`), for tests that kill it; and a proxy that lets less through. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as openRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

export type BotProcess = {
  readonly pid: number;
  readonly hasEnded: boolean;
  /** Everything it has written so far, on both outputs. */
  output(): string;
  /** Sends the signal; resolves the exit code when the process is gone, null when the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
};

const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** Starts a bot in a folder, where its state file is too. Killed in teardown. */
export function startBotProcess(
  t: ExecutionContext,
  folder: string,
  env: Readonly<Record<string, string>>,
): BotProcess {
  const child = spawn(process.execPath, [program, 'bot'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LOG_FORMAT: 'json', ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // `close`, not `exit`: then its last words have come as well.
  const exited = once(child, 'close') as Promise<[code: number | null]>;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    const [code] = await exited;
    return code;
  };
  t.teardown(() => end('SIGKILL'));
  return {
    pid: child.pid ?? 0,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    output: () => output,
    end,
  };
}

/** What lies between a bot and its server: nothing, or a proxy that knows no WebSockets, or no event streams either. */
export type Way = 'websocket' | 'sse' | 'poll';

/** The server's address by that way. */
export async function openWay(t: ExecutionContext, serverUrl: string, way: Way): Promise<string> {
  if (way === 'websocket') return serverUrl;
  const { hostname, port } = new URL(serverUrl);
  // Without a listener for upgrades, Node answers them as if they were plain requests, as old proxies do.
  const proxy = createServer((request, response) => {
    if (way === 'poll' && request.url?.startsWith('/sse') === true) {
      response.writeHead(404).end();
      return;
    }
    const { connection: _, upgrade: __, ...headers } = request.headers;
    const onward = openRequest({ hostname, port, method: request.method, path: request.url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(async () => {
    const closed = once(proxy, 'close');
    proxy.close();
    proxy.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}
