/** A session goes on on the node to which its client has come: nothing is lost, nothing comes twice, nobody sees it. */

import type { ExecutionContext } from 'ava';
import test from 'ava';
import { waitUntil } from '../support/bus-world.ts';
import { type ChatNodes, openChatNodes } from '../support/chat-nodes.ts';
import type { NodeClient } from '../support/node-client.ts';

/** Clients who are each at one node and in `friends`. */
async function gather(t: ExecutionContext, world: ChatNodes, ...names: string[]): Promise<NodeClient[]> {
  const clients: NodeClient[] = [];
  for (const [index, name] of names.entries()) {
    const client = await world.client(name);
    t.true(await client.come(world.nodes[index % world.nodes.length]!.chat));
    client.send({ type: 'join', room_name: 'friends' });
    await waitUntil(() => client.room('friends').isMember, 'told');
    clients.push(client);
  }
  return clients;
}

test('a client goes on with its session on another node', async (t) => {
  const world = await openChatNodes(t, 2);
  const [a, b] = world.nodes as [ChatNodes['nodes'][number], ChatNodes['nodes'][number]];
  const [ann, bob] = (await gather(t, world, 'ann', 'bob')) as [NodeClient, NodeClient];
  ann.send({ type: 'message', room_name: 'friends', body: 'one' });
  await waitUntil(() => bob.room('friends').messages.size === 1, 'told');
  ann.cut();
  bob.send({ type: 'message', room_name: 'friends', body: 'two' });
  await waitUntil(() => bob.room('friends').messages.size === 2, 'told');
  t.true(await ann.come(b.chat));
  t.true(ann.isResumed);
  await waitUntil(() => ann.room('friends').messages.size === 2, 'told');
  ann.send({ type: 'message', room_name: 'friends', body: 'three' });
  await waitUntil(() => bob.room('friends').messages.size === 3, 'told');
  t.deepEqual([...ann.faults, ...bob.faults, ...a.said, ...b.said], []);
  t.is(a.chat.sessions.size, 0);
  t.deepEqual([...ann.room('friends').roster], [...bob.room('friends').roster]);
  t.deepEqual(
    bob.frames.filter(({ code }) => code === 'parted'),
    [],
  );
});
