/** What an administrator reads of a running server: who chats how, how much, and what went wrong last. */
import test from 'ava';
import { createLog } from '../../src/log.ts';
import { createProblems } from '../../src/problems.ts';
import type { Now } from '../../src/protocol/admin.ts';
import { createTestClock, startApp } from '../support/app.ts';
import { eachDatabase } from '../support/databases.ts';
import { transportNames } from '../support/raw-collector.ts';

eachDatabase(
  test,
  'a running server says who chats over what, how much, on what, and what went wrong',
  async (t, db) => {
    const clock = createTestClock();
    const problems = createProblems();
    const log = createLog({ level: 'warn', format: 'json', destination: { write() {} }, problems });
    const began = clock.now();
    const server = await startApp(t, { databaseUrl: db.url, overrides: { clock, log, problems } });
    const token = await server.login('ada');
    const storage = await server.elsewhere();
    await storage.users.setSuperuser((await storage.users.findByName('ada'))?.id ?? 0, true);
    const read = async (): Promise<Now> => (await server.request('GET', '/admin/api/now', { token })).body as Now;

    const idle = await read();
    t.deepEqual(idle.sessions, { websocket: 0, sse: 0, poll: 0, detached: 0 });
    t.deepEqual([idle.live_rooms, idle.messages_per_second, idle.deliveries_per_second], [0, 0, 0]);
    t.deepEqual([idle.redis, idle.node_version, idle.problems], ['not used', process.version, []]);
    t.regex(idle.database, db.dialect === 'sqlite' ? /^SQLite \d/ : /^PostgreSQL \d/);
    t.regex(idle.version, /^\d+\.\d+\.\d+/);
    t.true(Date.parse(idle.started_at) >= began && Date.parse(idle.started_at) <= clock.now());
    t.true(idle.memory.rss > idle.memory.heap_used && idle.memory.heap_used > 0);

    for (const transport of transportNames) {
      const client = await server.chat(`${transport}-user`, { transport });
      await client.ask({ type: 'join', room_name: transport === 'poll' ? 'family' : 'friends' }, { code: 'joined' });
      await client.ask({ type: 'message', room_name: 'friends', body: 'hi' }, () => true);
    }
    const away = await server.chat('away', { transport: 'websocket', resume: true });
    await away.settle();
    away.cut();
    let now = await read();
    const deadline = performance.now() + 10_000;
    while (now.sessions.detached === 0 && performance.now() < deadline) now = await read();
    t.deepEqual(now.sessions, { websocket: 1, sse: 1, poll: 1, detached: 1 });
    t.is(now.live_rooms, 2);
    t.true(now.messages_per_second > 0);
    t.true(now.deliveries_per_second > now.messages_per_second);

    log.error({ err: new Error('The disk is full.'), token: 'secret' }, 'A history could not be read.');
    t.like((await read()).problems[0] ?? {}, {
      level: 'error',
      message: 'A history could not be read. The disk is full.',
    });
  },
);
