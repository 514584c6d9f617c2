/** How long joining, reading back and searching take where so much is stored: one call after the other, by one client. */
import type { Contestant, NodeFlags } from './contestant.ts';
import { withServer } from './drive.ts';
import type { Measured } from './measured.ts';
import { cpuSeconds } from './process-stat.ts';
import { openRawSocket } from './raw-socket.ts';
import { median } from './report.ts';
import type { HistoryScenario } from './scenarios.ts';
import { fillRoom, makeSuperuser, rareWord } from './stored.ts';

/** Of each kind; the first ones are not counted. */
const calls = 60;
const warmCalls = 10;
const answerDeadlineMs = 10_000;
const pageSize = 50;

type Ask = (request: object, code: string) => Promise<void>;
/** Median milliseconds of a call, and the server's CPU for it. */
type Cost = { ms: number | undefined; cpuMs: number | undefined };
export type HistoryResult = { kind: 'history'; messages: number; costs: Record<string, Cost> };

export async function measureHistory(
  { messages }: HistoryScenario,
  contestant: Contestant,
  flags: NodeFlags | undefined,
): Promise<Measured> {
  const { database } = contestant;
  if (database === undefined) throw new Error(`${contestant.name} stores nothing.`);
  const [room, username, token] = await withServer(contestant, undefined, async (server) => {
    const [[name = ''], [first = '']] = [await contestant.rooms(1), await contestant.tokens(server, 1)];
    return [name, await nameOf(server.nodes[0]?.port ?? 0, first), first] as const;
  });
  await makeSuperuser(database, username);
  await fillRoom(database, room, username, messages);
  return withServer(contestant, flags, async (server) => {
    const { port = 0, pid = 0 } = server.nodes[0] ?? {};
    const costs: Record<string, Cost> = {};
    const client = await openAsking(port, token);
    const { ask } = client;
    const frame = (type: string, more: object = {}): object => ({ type, room_name: room, ...more });
    const time = async (name: string, call: (index: number) => Promise<unknown>): Promise<void> => {
      costs[name] = await measureCalls(pid, call);
    };
    await time('join', async () => {
      await ask(frame('join'), 'joined');
      await ask(frame('part'), 'parted');
    });
    await ask(frame('join'), 'joined');
    const middle = Math.max(1, Math.floor(messages / 2));
    await time('page', () => ask(frame('history', { limit: pageSize }), 'history'));
    await time('old page', (index) => ask(frame('history', { before: middle + index, limit: pageSize }), 'history'));
    client.end();
    await time('search', (index) => search(port, token, rareWord(index)));
    await time('broad search', () => search(port, token, 'people because'));
    const figures = Object.entries(costs).flatMap(([name, { ms, cpuMs }]) => [
      [`${name} ms`, ms] as const,
      [`${name} CPU ms`, cpuMs] as const,
    ]);
    return {
      figures: Object.fromEntries(figures),
      counts: {},
      notes: [],
      result: { kind: 'history', messages, costs },
    };
  });
}

async function measureCalls(pid: number, call: (index: number) => Promise<unknown>): Promise<Cost> {
  const times: number[] = [];
  let cpuBefore: number | undefined;
  for (let index = 0; index < calls; index += 1) {
    if (index === warmCalls) cpuBefore = cpuSeconds(pid);
    const start = performance.now();
    await call(index);
    times.push(performance.now() - start);
  }
  const cpuAfter = cpuSeconds(pid);
  const counted = times.slice(warmCalls);
  const cpuMs =
    cpuBefore === undefined || cpuAfter === undefined ? undefined : ((cpuAfter - cpuBefore) * 1000) / counted.length;
  return { ms: median(counted), cpuMs };
}

/** A session whose requests are answered one after the other. */
async function openAsking(port: number, token: string): Promise<{ ask: Ask; end: () => void }> {
  let wanted = '';
  let answered = (): void => {};
  const client = await openRawSocket(port, token, {
    onMessage: (bytes, from, to) => {
      const { code } = JSON.parse(bytes.toString('utf8', from, to)) as { code: string };
      if (code === wanted) answered();
    },
    onEnd: () => {},
  });
  return {
    ask: (request, code) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`No ${code} within its time.`)), answerDeadlineMs);
        wanted = code;
        answered = () => {
          clearTimeout(timer);
          resolve();
        };
        client.send(JSON.stringify(request));
      }),
    end: () => client.end(),
  };
}

async function search(port: number, token: string, words: string): Promise<void> {
  await get(port, token, `/admin/api/messages?limit=${pageSize}&q=${encodeURIComponent(words)}`);
}

async function nameOf(port: number, token: string): Promise<string> {
  const { username } = (await get(port, token, '/profile')) as { username: string };
  return username;
}

async function get(port: number, token: string, path: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Token ${token}` },
    signal: AbortSignal.timeout(answerDeadlineMs),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
