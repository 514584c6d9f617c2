/** What a client asks of one node while the one that has its session is killed, or stands still. */
import test from 'ava';
import type { RawFrame } from '../support/raw-client.ts';
import { clusterTest, holds, room } from './cluster-world.ts';

type Answer = { status: number; body: { cursor?: string; messages?: RawFrame[]; code?: string } };

async function ask(url: string, token: string, method = 'GET', body?: object): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Token ${token}`, 'content-type': 'application/json', connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
}

const says = { type: 'message', room_name: room, body: 'said to a node that is gone' };

for (const fate of ['killed', 'paused'] as const) {
  clusterTest(
    test.serial,
    `whoever polls a node that passes it on to one that is ${fate} comes again, and begins anew once the lease is over`,
    async (t, world) => {
      const [{ url }, owner] = world.cluster.nodes as [{ url: string }, (typeof world.cluster.nodes)[0]];
      const watcher = await world.watch('ada', 0);
      const token = await world.tokenOf('ben');
      let { cursor = '' } = (await ask(`${owner.url}/poll/chat`, token)).body;
      const path = (wait: number): string => `${url}/poll/chat?cursor=${cursor}&wait=${wait}`;
      t.is((await ask(`${url}/poll/chat`, token, 'POST', { type: 'join', room_name: room })).status, 202);
      await holds('the session is in the room', async () => {
        const { status, body } = await ask(path(1), token);
        t.is(status, 200);
        cursor = body.cursor ?? cursor;
        return body.messages?.some(({ code }) => code === 'joined') === true;
      });
      await holds('others see it', () => watcher.logs.get(room)?.roster.has('ben') === true);
      const waiting = ask(path(50), token);
      if (fate === 'killed') await owner.kill();
      else owner.pause();
      // Until the owner is known to be dead nobody is told that there is no session. An answer is waited for, and the
      // lease is as short.
      t.true([409, 503].includes((await ask(`${url}/poll/chat`, token, 'POST', says)).status));
      // The poll that waited does not wait to the end.
      t.true([410, 503].includes((await waiting).status));
      await holds('the session is known to be gone', async () => {
        const { status, body } = await ask(path(0), token);
        t.true([410, 503].includes(status), String(status));
        return body.code === 'session-expired';
      });
      t.is((await ask(`${url}/poll/chat`, token, 'POST', says)).status, 409);
      const again = await ask(`${url}/poll/chat`, token);
      t.is(again.status, 200);
      ({ cursor = '' } = again.body);
      t.is((await ask(`${url}/poll/chat`, token, 'POST', { type: 'join', room_name: room })).status, 202);
      await holds('others see the new one', () => watcher.logs.get(room)?.roster.has('ben') === true);
      if (fate === 'killed') await owner.start();
      else owner.wake();
      // What wakes takes nothing back.
      await holds('the owner is back', async () => (await ask(`${owner.url}/readyz`, token)).status === 200);
      t.is((await ask(`${owner.url}/poll/chat`, token, 'POST', { type: 'list', room_name: room })).status, 202);
      await world.agreesOn(['ada', 'ben']);
      t.is((await ask(path(0), token)).status, 200);
    },
  );
}
