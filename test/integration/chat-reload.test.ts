/** A server that was away for longer than changes are kept compares everything with the store. */
import test from 'ava';
import type { Storage } from '../../src/core/ports.ts';
import { startApp } from '../support/app.ts';
import { eachTransport } from '../support/transports.ts';

eachTransport(
  test,
  'a server that lost its place among the changes parts, kicks, logs out and mutes as if it had read them',
  async (t, transport) => {
    let isAway = false;
    const wrapStorage = (storage: Storage): Storage => ({
      ...storage,
      changes: {
        ...storage.changes,
        readAfter: async (id, limit) => {
          const latest = await storage.changes.latestId();
          if (isAway) return { changes: [], lost: false };
          // Rows that nobody read are gone: they were too old.
          return latest > id ? { changes: [], lost: true } : storage.changes.readAfter(id, limit);
        },
      },
    });
    const server = await startApp(t, { transport, overrides: { wrapStorage } });
    const names = ['stays', 'deactivated', 'banned', 'revoked', 'muted'] as const;
    const clients = new Map(await Promise.all(names.map(async (name) => [name, await server.chat(name)] as const)));
    const stays = clients.get('stays');
    if (stays === undefined) throw new Error('no client');
    for (const room_name of ['friends', 'family', 'investments']) {
      await stays.ask({ type: 'join', room_name }, { code: 'joined' });
    }
    for (const body of ['one', 'two']) {
      await stays.ask({ type: 'message', room_name: 'friends', body }, { code: 'message' });
    }
    await clients.get('muted')?.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });

    for (const client of clients.values()) await client.settle();
    const storage = await server.elsewhere();
    const idOf = async (name: string): Promise<number> => (await storage.rooms.findByName(name))?.id ?? 0;
    isAway = true;
    await storage.rooms.delete(await idOf('family'));
    await storage.rooms.change(await idOf('investments'), { name: 'stocks' }, Date.now());
    await storage.rooms.create({ name: 'new', topic: '', createdAt: Date.now() });
    const userOf = async (name: string): Promise<number> => (await storage.users.findByName(name))?.id ?? 0;
    await storage.users.setActive(await userOf('deactivated'), false);
    await storage.users.ban(await userOf('banned'), { until: null, reason: '' });
    await storage.users.mute(await userOf('muted'), Date.now() + 3_600_000);
    await storage.messages.delete(await idOf('friends'), 1);
    const tokens = await storage.tokens.list();
    await storage.tokens.revoke(tokens.find((token) => token.username === 'revoked')?.id ?? 0);
    isAway = false;

    for (const name of ['deactivated', 'banned'] as const) {
      await clients.get(name)?.next({ type: 'fatal', code: 'kicked' });
    }
    await clients.get('revoked')?.next({ code: 'logged-out' });
    await stays.next({ code: 'parted', room_name: 'family' });
    const parted = stays.frames.filter((frame) => frame.code === 'parted').map((frame) => frame.room_name);
    if (!parted.includes('investments')) await stays.next({ code: 'parted', room_name: 'investments' });
    t.is(stays.frames.filter(({ code, id }) => code === 'deleted' && id === 1).length, 1);
    const said = { type: 'message', room_name: 'friends', body: 'x' };
    await clients.get('muted')?.ask(said, { type: 'error', code: 'room:muted' });
    const { list } = await stays.ask({ type: 'list' }, { code: 'list' });
    t.deepEqual(list, [
      { name: 'friends', joined: true },
      { name: 'new', joined: false },
      { name: 'stocks', joined: false },
    ]);
    t.is((await stays.ask({ type: 'join', room_name: 'new' }, { code: 'joined' })).you, true);
  },
);
