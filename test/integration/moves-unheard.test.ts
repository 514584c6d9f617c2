/** Sessions that have moved, and whose former owner is not told so. */
import test from 'ava';
import { movedWithinMs } from '../../src/cluster/lending.ts';
import type { Bus } from '../../src/core/cluster-ports.ts';
import { waitUntil } from '../support/bus-world.ts';
import { type ChatNode, openChatNodes } from '../support/chat-nodes.ts';
import { faultsOf, gather, partsOf, talk } from '../support/gathering.ts';
import type { NodeClient } from '../support/node-client.ts';

/** Owners do not hear that a session has come. */
function withoutMoved(bus: Bus): Bus {
  return {
    isAlone: false,
    isHealthy: () => bus.isHealthy(),
    subscribe: (...args) => bus.subscribe(...args),
    onRestored: (listener) => bus.onRestored(listener),
    close: () => bus.close(),
    publish: (channel, value) =>
      (value as { kind?: string }).kind === 'moved' ? Promise.resolve(1) : bus.publish(channel, value),
  };
}

test('a session of which its owner does not hear that it has come is not there twice, and nobody sees it part', async (t) => {
  const world = await openChatNodes(t, 3, { wrapBus: withoutMoved });
  const [a, b, c] = world.nodes as [ChatNode, ChatNode, ChatNode];
  const [ann, bob, cid] = (await gather(world, { ann: a, bob: c, cid: a })) as [NodeClient, NodeClient, NodeClient];
  t.true(await ann.come(b.chat));
  t.true(ann.isResumed);
  const came = world.clock.now();
  await talk(ann, 'here', ann, bob, cid);
  await world.during(waitUntil(() => a.chat.sessions.withId(ann.session) === undefined, 'its copy is dropped'));
  const keptMs = world.clock.now() - came;
  t.true(keptMs < 3 * movedWithinMs, `kept for ${keptMs} ms`);
  await talk(ann, 'still here', ann, bob, cid);
  t.true(await ann.come(c.chat), 'and moves on');
  t.true(ann.isResumed);
  await talk(ann, 'and there', ann, bob, cid);
  t.deepEqual(partsOf(bob, cid), []);
  t.deepEqual(faultsOf(world, ann, bob, cid), []);
});

test('who stays because its new node died before it could tell is seen by all, on the node that it is on', async (t) => {
  const world = await openChatNodes(t, 3, { wrapBus: withoutMoved });
  const [a, b, c] = world.nodes as [ChatNode, ChatNode, ChatNode];
  const [ann, bob] = (await gather(world, { ann: a, bob: c })) as [NodeClient, NodeClient];
  t.true(await ann.come(b.chat));
  // Its rooms have told all.
  await world.bus.settle();
  ann.cut();
  await b.die();
  await world.during(waitUntil(() => a.chat.sessions.withId(ann.session)?.isMoving !== true, 'it stays'));
  t.true(await world.during(ann.come(a.chat)));
  t.true(ann.isResumed);
  await talk(ann, 'back', ann, bob);
  await waitUntil(() => bob.room('friends').roster.has('ann'), 'it is seen');
  t.deepEqual([...ann.faults, ...bob.faults], []);
});
