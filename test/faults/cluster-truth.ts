/**
 * What the nodes of a cluster and its database say of who is there, asked from outside: lists of members as a newcomer
 * on each node gets them, counts over REST, sessions in the metrics, and the claims in SQL.
 */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { readFigures } from '../fuzz/figures.ts';
import type { Cluster } from '../support/cluster-processes.ts';
import { withClient } from '../support/databases.ts';
import type { RawFrame } from '../support/raw-client.ts';

/** What must be so, and what each asked part says instead; empty: all agree. */
export type Truth = { rooms: readonly string[]; living: readonly string[] };

/** A newcomer's whole visit, on a machine that has other things to do. */
const visitMs = 10_000;

/** All that does not agree with the truth, at this moment. `visitor`: a user that nobody else is. */
export async function compare(
  cluster: Cluster,
  truth: Truth,
  visitor: { name: string; token: string },
): Promise<string[]> {
  const faults: string[] = [];
  const say = (what: string, found: unknown, wanted: unknown): void => {
    const [is, should] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (is !== should) faults.push(`${what}: ${is} in place of ${should}`);
  };
  const living = truth.living.toSorted();
  const counts = Object.fromEntries(truth.rooms.map((room) => [room, living.length]));
  let sessions = 0;
  // Before the visits: a count may be some tenths of a second old.
  for (const { index, url, process } of cluster.nodes) {
    say(`node ${index} counts`, await readCounts(url, visitor.token, truth.rooms), counts);
    sessions += (await readFigures(process)).sessions;
  }
  for (const { index, url } of cluster.nodes) {
    const rosters = await visit(url, visitor, truth.rooms);
    for (const [room, users] of rosters) say(`node ${index} lists in ${room}`, users, living);
  }
  say('sessions on all nodes', sessions, living.length);
  const { claimed, nodes, homeless } = await readClaims(cluster.postgres.url);
  say(
    'claims',
    claimed.filter((name) => name !== visitor.name),
    living,
  );
  say('nodes in SQL', nodes, cluster.nodes.length);
  say('claims of nodes that are not', homeless, 0);
  return faults;
}

async function readCounts(url: string, token: string, rooms: readonly string[]): Promise<Record<string, number>> {
  const headers = { authorization: `Token ${token}`, connection: 'close' };
  const response = await fetch(`${url}/rooms`, { headers });
  const list = (await response.json()) as { name: string; users: number }[];
  return Object.fromEntries(rooms.map((room) => [room, list.find(({ name }) => name === room)?.users ?? -1]));
}

/** Joins each room, and tells who else is there. The visit has ended for the server, too, when this resolves. */
async function visit(
  url: string,
  { name, token }: { name: string; token: string },
  rooms: readonly string[],
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const address = new URL(`/ws/chat?token=${token}`, url.replace(/^http/, 'ws'));
  const socket = new WebSocket(address, { handshakeTimeout: visitMs });
  const timer = setTimeout(() => socket.terminate(), visitMs);
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code) => (code === 1000 ? resolve() : reject(new Error(`The visit ended with ${code}.`))));
    socket.on('open', () => {
      for (const room of rooms) socket.send(JSON.stringify({ type: 'join', room_name: room, ref: randomUUID() }));
    });
    socket.on('message', (data) => {
      const { code, you, status, room_name: room = '' } = JSON.parse((data as Buffer).toString()) as RawFrame;
      if (code !== 'joined' || you !== true || status === undefined) return;
      found.set(
        room,
        status.users.map((user) => user.name).filter((user) => user !== name),
      );
      if (found.size === rooms.length) socket.close(1000);
    });
  }).finally(() => clearTimeout(timer));
  return found;
}

async function readClaims(url: string): Promise<{ claimed: string[]; nodes: number; homeless: number }> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ username: string; lives: boolean }>(
      `SELECT u.username, n.id IS NOT NULL AS lives FROM sessions s
       JOIN users u ON u.id = s.user_id LEFT JOIN nodes n ON n.id = s.node_id
       WHERE s.node_id IS NOT NULL ORDER BY u.username`,
    );
    const { rows: counted } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM nodes');
    return {
      claimed: rows.map(({ username }) => username).toSorted(),
      nodes: counted[0]?.count ?? 0,
      homeless: rows.filter(({ lives }) => !lives).length,
    };
  });
}
