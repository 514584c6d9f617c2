/** People on several nodes who are in one room together. */
import { waitUntil } from './bus-world.ts';
import type { ChatNode, ChatNodes } from './chat-nodes.ts';
import type { NodeClient } from './node-client.ts';

/** New users, each on a node and in `friends`. Resolves them in their order, when each sees all others. */
export async function gather(
  world: ChatNodes,
  places: Readonly<Record<string, ChatNode | undefined>>,
): Promise<NodeClient[]> {
  const clients: NodeClient[] = [];
  for (const [name, node] of Object.entries(places)) {
    const client = await world.client(name);
    if (node === undefined || !(await client.come(node.chat))) throw new Error(`${name} did not get in.`);
    client.send({ type: 'join', room_name: 'friends' });
    clients.push(client);
    await waitUntil(
      () => clients.every((one) => one.room('friends').roster.size === clients.length),
      `${name} is seen by all`,
    );
  }
  return clients;
}

/** Says it in `friends`; resolves when these have heard it. */
export async function talk(speaker: NodeClient, body: string, ...listeners: NodeClient[]): Promise<void> {
  speaker.send({ type: 'message', room_name: 'friends', body });
  const has = ({ frames }: NodeClient): boolean =>
    frames.some((frame) => frame.code === 'message' && frame.body === body);
  await waitUntil(() => listeners.every(has), `"${body}" is heard`);
}

/** Who was seen to part, by each of these. */
export function partsOf(...clients: NodeClient[]): string[] {
  return clients.flatMap(({ frames }) => frames.filter(({ code }) => code === 'parted').map(({ user = '' }) => user));
}

/** What broke a rule, and what the nodes complained about. */
export function faultsOf(world: ChatNodes, ...clients: NodeClient[]): string[] {
  return [...clients.flatMap(({ faults }) => faults), ...world.nodes.flatMap(({ said }) => said)];
}

/** Resolves when the session is exported and not yet come. */
export function underWay({ chat }: ChatNode, { session }: NodeClient): Promise<void> {
  return waitUntil(() => chat.sessions.withId(session)?.isMoving === true, 'on its way');
}
