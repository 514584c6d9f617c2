/** Commands are not stored: whoever moves is told of each once, by what the nodes remember of the last seconds. */
import test from 'ava';
import type { Chat } from '../../src/core/chat.ts';
import type { Bus } from '../../src/core/cluster-ports.ts';
import { waitUntil } from '../support/bus-world.ts';
import { type ChatNode, openChatNodes } from '../support/chat-nodes.ts';
import { gather } from '../support/gathering.ts';
import type { NodeClient } from '../support/node-client.ts';

function commandsOf({ frames }: NodeClient): string[] {
  return frames.flatMap((frame) => (frame.code === 'custom' ? [String(frame['payload'])] : []));
}

async function relay(speaker: NodeClient, payload: string, listeners: readonly NodeClient[]): Promise<void> {
  speaker.send({ type: 'custom', room_name: 'friends', command: 'note', payload });
  await waitUntil(() => listeners.every((one) => commandsOf(one).includes(payload)), 'told');
}

test('who joins anew and moves is told of no command from before, also of a node that has left the room', async (t) => {
  const world = await openChatNodes(t, 4);
  const [a, b, nodeC, nodeD] = world.nodes as [ChatNode, ChatNode, ChatNode, ChatNode];
  const [c, d]: [Chat, Chat] = [nodeC.chat, nodeD.chat];
  const [ann, bob, cyd] = (await gather(world, { ann: a, bob: b, cyd: nodeC })) as [NodeClient, NodeClient, NodeClient];
  await relay(ann, 'one', [bob, cyd]);
  for (const client of [ann, bob]) client.send({ type: 'part', room_name: 'friends' });
  await waitUntil(() => cyd.room('friends').roster.size === 1, 'told');
  world.clock.advance(1000);
  t.true(await bob.come(d));
  bob.send({ type: 'join', room_name: 'friends' });
  await waitUntil(() => bob.room('friends').isMember, 'told');
  world.clock.advance(1000);
  t.true(await bob.come(c));
  await relay(cyd, 'two', [bob]);
  t.deepEqual(commandsOf(bob), ['one', 'two']);
  t.deepEqual([...ann.faults, ...bob.faults, ...cyd.faults], []);
});

test('who has seen a command is not shown it again after a while on a node that has lost it', async (t) => {
  const deaf = { is: false };
  const wrapBus = (bus: Bus, node: string): Bus => ({
    publish: (channel, value) => bus.publish(channel, value),
    subscribe: (channel, receive) =>
      bus.subscribe(channel, (value) => {
        if (node !== 'd' || !deaf.is) receive(value);
      }),
    isHealthy: () => bus.isHealthy(),
    get isAlone() {
      return bus.isAlone;
    },
    onRestored: (listener) => bus.onRestored(listener),
    close: () => bus.close(),
  });
  const world = await openChatNodes(t, 4, { wrapBus });
  const [a, b, nodeC, nodeD] = world.nodes as [ChatNode, ChatNode, ChatNode, ChatNode];
  const [c, d]: [Chat, Chat] = [nodeC.chat, nodeD.chat];
  const [ann, bob, cyd, dan] = (await gather(world, { ann: a, bob: b, cyd: nodeC, dan: nodeD })) as [
    NodeClient,
    NodeClient,
    NodeClient,
    NodeClient,
  ];
  deaf.is = true;
  await relay(ann, 'one', [bob, cyd]);
  deaf.is = false;
  world.clock.advance(1000);
  t.true(await bob.come(d));
  world.clock.advance(1000);
  t.true(await bob.come(c));
  await relay(cyd, 'two', [bob]);
  t.deepEqual(commandsOf(bob), ['one', 'two']);
  t.deepEqual([...ann.faults, ...bob.faults, ...cyd.faults, ...dan.faults], []);
});
