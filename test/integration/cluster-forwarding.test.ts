/** What comes beside a connection, on another node than the one that has the session: POST, DELETE and polls over HTTP. */
import test from 'ava';
import { clusterTest, createAdministrator, isDegraded, type TestCluster, waitUntil } from '../support/cluster-apps.ts';
import type { RawFrame } from '../support/raw-client.ts';

const room_name = 'friends';

type Polled = { status: number; body: { cursor: string; messages: RawFrame[]; code?: string } };

async function poll(cluster: TestCluster, index: number, token: string, query = ''): Promise<Polled> {
  return (await cluster.node(index).request('GET', `/poll/chat?${query}`, { token })) as Polled;
}

clusterTest(
  test,
  'a client whose requests land anywhere chats as on one server',
  async (t, cluster) => {
    const watcher = await cluster.node(2).chat('watcher');
    await watcher.ask({ type: 'join', room_name }, { code: 'joined', you: true });
    const token = await cluster.node(0).login('alice');
    const first = await poll(cluster, 0, token);
    let { cursor } = first.body;
    const [session] = cursor.split('.');
    const got = [...first.body.messages];
    const texts = Array.from({ length: 12 }, (_, n) => `text ${n}`);
    const commands = [
      { type: 'join', room_name },
      ...texts.map((body, n) => ({ type: 'message', room_name, body, ref: `r${n}` })),
    ];
    for (const [n, body] of commands.entries()) {
      const posted = await cluster.node(n).request('POST', `/${n % 2 === 0 ? 'poll' : 'sse'}/chat?session=${session}`, {
        token,
        body,
      });
      t.is(posted.status, 202);
    }
    for (let index = 0; got.filter(({ code }) => code === 'message').length < texts.length; index += 1) {
      const { status, body } = await poll(cluster, index, token, `cursor=${cursor}&wait=5`);
      t.is(status, 200);
      got.push(...body.messages);
      ({ cursor } = body);
    }
    const own = got.filter(({ code }) => code === 'message');
    t.deepEqual(
      own.map(({ body }) => body),
      texts,
    );
    t.is(Number(cursor.split('.')[1]), got.length);
    await watcher.next({ code: 'message', body: texts.at(-1) });
    t.is((await cluster.node(1).request('DELETE', '/poll/chat', { token })).status, 204);
    await watcher.next({ code: 'parted', user: 'alice' });
    await watcher.settle();
    const seen = watcher.frames.filter(({ user }) => user === 'alice').map(({ code, body }) => body ?? code);
    t.deepEqual(seen, ['joined', ...texts, 'parted']);
    for (const index of [0, 1, 2]) {
      t.is((await cluster.node(index).request('POST', '/poll/chat', { token, body: { type: 'list' } })).status, 409);
      t.is((await poll(cluster, index, token, `cursor=${cursor}`)).status, 410);
    }
  },
  { nodes: 3 },
);

clusterTest(
  test,
  'a poll that waits on another node hears what comes, and why its session ends',
  async (t, cluster) => {
    const act = await createAdministrator(cluster.node(1));
    const token = await cluster.node(0).login('alice');
    const { cursor } = (await poll(cluster, 0, token)).body;
    t.deepEqual((await poll(cluster, 1, token, `cursor=${cursor}&wait=0`)).body, { cursor, messages: [] } as never);
    const waiting = poll(cluster, 1, token, `cursor=${cursor}&wait=50`);
    t.is((await cluster.node(1).request('POST', '/poll/chat', { token, body: { type: 'help' } })).status, 202);
    const { body } = await waiting;
    t.like(body.messages, [{ code: 'help' }]);
    const last = poll(cluster, 1, token, `cursor=${body.cursor}&wait=50`);
    await act('POST', '/users/alice/kick');
    t.like(await last, { status: 403, body: { code: 'kicked' } });
    for (const index of [0, 1]) {
      t.like(await poll(cluster, index, token, `cursor=${body.cursor}&wait=0`), {
        status: 403,
        body: { code: 'kicked' },
      });
    }
  },
);

clusterTest(
  test,
  'a polling client goes on with its session elsewhere when its node stops',
  async (t, cluster) => {
    const watcher = await cluster.node(1).chat('watcher');
    await watcher.ask({ type: 'join', room_name }, { code: 'joined', you: true });
    const token = await cluster.node(0).login('alice');
    const first = await poll(cluster, 0, token);
    let { cursor } = first.body;
    const got: RawFrame[] = [];
    const post = async (body: object): Promise<void> => {
      await waitUntil(async () => {
        const { status } = await cluster.node(1).request('POST', '/poll/chat', { token, body });
        if (status !== 202) t.is(status, 503);
        return status === 202;
      }, 'it is taken');
    };
    /** Until it has come, from whichever node. */
    const pollFor = async (isIt: (frame: RawFrame) => boolean): Promise<void> => {
      await waitUntil(async () => {
        const { status, body } = await poll(cluster, 1, token, `cursor=${cursor}&wait=1`);
        if (status !== 200) t.is(status, 503);
        if (status === 200) got.push(...body.messages);
        if (status === 200) ({ cursor } = body);
        return got.some(isIt);
      }, 'it comes');
    };
    await post({ type: 'join', room_name });
    await pollFor(({ code }) => code === 'joined');
    const stopped = cluster.node(0).app.close();
    await pollFor(({ code }) => code === 'server-closing');
    await post({ type: 'message', room_name, body: 'while it stops', ref: 'r1' });
    await pollFor(({ body }) => body === 'while it stops');
    await stopped;
    await post({ type: 'message', room_name, body: 'afterwards', ref: 'r2' });
    await pollFor(({ body }) => body === 'afterwards');
    await watcher.next({ code: 'message', body: 'afterwards' });
    const seen = watcher.frames.filter(({ user }) => user === 'alice').map(({ code, body }) => body ?? code);
    t.deepEqual(seen, ['joined', 'while it stops', 'afterwards']);
    t.is(cursor.split('.')[0], first.body.cursor.split('.')[0]);
    t.is(Number(cursor.split('.')[1]), first.body.messages.length + got.length);
  },
  // Time enough to come and fetch it, on a loaded machine as well; who comes does not make it wait so long.
  { env: { SHUTDOWN_SECONDS: '60' } },
);

clusterTest(test, 'administrators see at any node how a user chats', async (t, cluster) => {
  await createAdministrator(cluster.node(0));
  const ada = await cluster.node(0).login('ada');
  const bob = await cluster.node(1).chat('bob');
  await bob.ask({ type: 'join', room_name }, { code: 'joined', you: true });
  for (const node of cluster.nodes) {
    const { body } = await node.request('GET', '/admin/api/users/bob', { token: ada });
    t.like(body, { is_online: true, session: { transport: 'websocket', rooms: [room_name] } });
    const list = (await node.request('GET', '/admin/api/users', { token: ada })).body as { users: object[] };
    t.like(list.users, [
      { username: 'ada', is_online: false },
      { username: 'bob', is_online: true },
    ]);
  }
});

clusterTest(
  test,
  'without Redis what is for a session on another node is to come again, and with it nothing is lost',
  async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const { cursor } = (await poll(cluster, 0, token)).body;
    await cluster.redis.stop();
    await waitUntil(async () => (await Promise.all(cluster.nodes.map(isDegraded))).every(Boolean), 'Redis is missed');
    const body = { type: 'help' };
    t.is((await cluster.node(1).request('POST', '/poll/chat', { token, body })).status, 503);
    t.is((await poll(cluster, 1, token, `cursor=${cursor}&wait=0`)).status, 503);
    t.is((await cluster.node(1).request('DELETE', '/poll/chat', { token })).status, 503);
    // Its owner takes it all the same.
    t.is((await cluster.node(0).request('POST', '/poll/chat', { token, body })).status, 202);
    await cluster.redis.start();
    await waitUntil(async () => !(await Promise.all(cluster.nodes.map(isDegraded))).some(Boolean), 'Redis is back');
    const { body: polled } = await poll(cluster, 1, token, `cursor=${cursor}&wait=5`);
    t.like(polled.messages, [{ code: 'help' }]);
  },
  { ownRedis: true },
);
