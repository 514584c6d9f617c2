/**
 * Rosters over three nodes: whatever happens, joins, parts, moves, things that the bus loses, nodes that die, nobody is
 * shown somebody who joins or parts twice, or a message out of order; and when the bus has carried for a while again,
 * what each member was shown, and what each node believes, is the truth.
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { createMemoryBus, type MemoryHub } from '../../src/bus/memory-bus.ts';
import type { Clock, Storage } from '../../src/core/ports.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { createManualTimers } from '../support/manual-timers.ts';
import { followVisit, furnish, openRoomNode, type RoomNode } from '../support/room-cluster.ts';
import { type Member, openMember } from '../support/room-world.ts';

const nodeCount = 3;
const userCount = 5;
/** More than any wait of the rooms for what is missing. */
const settleMs = 12_000;
const stepMs = 100;

type Place = { node: number; member: Member };

class World {
  readonly #t: ExecutionContext;
  readonly #storage: Storage;
  readonly #timers = createManualTimers();
  readonly #clock: Clock;
  readonly #hub: MemoryHub = createMemoryBus();
  readonly #nodes: RoomNode[] = [];
  readonly #broken = new Set<number>();
  /** The sessions that live, by user. */
  readonly #places = new Map<number, Place>();
  readonly #claims = new Map<number, number>();
  /** Deaths that a node has not heard of. */
  #deaths: { by: RoomNode; of: string }[] = [];
  readonly #room: string;
  #said = 0;
  #born = 0;

  constructor(t: ExecutionContext, storage: Storage, room: string) {
    this.#t = t;
    this.#storage = storage;
    this.#room = room;
    this.#clock = {
      now: () => this.#timers.now(),
      after: (ms, run) => {
        const handle = this.#timers.setTimeout(run, ms);
        return () => this.#timers.clearTimeout(handle);
      },
      endOfTurn: (run) => void setImmediate(run),
    };
  }

  async begin(): Promise<void> {
    for (let index = 0; index < nodeCount; index += 1) this.#nodes.push(await this.#bear());
  }

  async run(action: Action): Promise<void> {
    const { user } = action;
    const index = action.node % nodeCount;
    const place = this.#places.get(user);
    switch (action.do) {
      case 'join':
        return this.#join(user, index);
      case 'part':
        this.#leave(user);
        return;
      case 'say':
        if (place !== undefined)
          await this.#wait(this.#nodeOf(place).say(place.member, this.#room, `m${++this.#said}`));
        return;
      case 'relay':
        if (place !== undefined) this.#nodeOf(place).relay(place.member, this.#room, `c${++this.#said}`);
        return;
      case 'move':
        return this.#move(user, index);
      case 'lose':
        this.#hub.lose(1);
        return;
      case 'break':
        this.#broken.add(index);
        this.#hub.break(this.#nodes[index]?.bus);
        return;
      case 'mend':
        this.#broken.delete(index);
        this.#hub.mend(this.#nodes[index]?.bus);
        return;
      case 'die':
        return this.#die(index);
      case 'hear':
        this.#hearDeath();
        return;
      case 'wait':
        return this.#pass(stepMs * (1 + index));
    }
  }

  async settle(): Promise<void> {
    while (this.#deaths.length > 0) this.#hearDeath();
    // What was lost without anybody's notice is made up for when the bus says that it may have lost something.
    this.#hub.break();
    this.#hub.mend();
    await this.#pass(settleMs);
    for (const node of this.#nodes) await node.hub.reconcile();
    await this.#pass(settleMs);
  }

  check(): void {
    const names = Array.from(this.#places.keys(), (id) => `user-${id}`).sort();
    for (const [user, place] of this.#places) {
      const node = this.#nodeOf(place);
      const label = `user-${user} on ${node.id}`;
      const visit = followVisit(place.member.frames);
      this.#t.deepEqual(visit?.users, names, label);
      const room = Array.from(place.member.session.rooms.values())[0];
      this.#t.deepEqual(room?.usernames(), names, label);
      this.#t.is(visit?.last, this.#stored, label);
      const commands = place.member.frames.filter(({ code }) => code === 'custom').map(({ command }) => command);
      this.#t.is(new Set(commands).size, commands.length, label);
    }
  }

  get #stored(): number {
    return Math.max(0, ...Array.from(this.#places.values(), ({ member }) => followVisit(member.frames)?.last ?? 0));
  }

  #nodeOf({ node }: Place): RoomNode {
    return this.#nodes[node] as RoomNode;
  }

  async #bear(): Promise<RoomNode> {
    this.#born += 1;
    const id = `node-${this.#born}`;
    const bus = this.#hub.attach();
    return openRoomNode(this.#t, { id, bus, cluster: 'c', clock: this.#clock, storage: this.#storage });
  }

  async #join(user: number, index: number): Promise<void> {
    this.#leave(user);
    const claim = this.#nextClaim(user);
    const member = openMember(user, { key: `session-${user}-${claim}`, claim });
    this.#places.set(user, { node: index, member });
    await this.#wait((this.#nodes[index] as RoomNode).join(member, this.#room));
  }

  #leave(user: number): void {
    const place = this.#places.get(user);
    if (place === undefined) return;
    this.#nodeOf(place).end(place.member);
    followVisit(place.member.frames);
    this.#places.delete(user);
  }

  async #move(user: number, index: number): Promise<void> {
    const place = this.#places.get(user);
    // Sessions move over the bus.
    if (place === undefined || place.node === index || this.#broken.has(index) || this.#broken.has(place.node)) return;
    const to = this.#nodes[index] as RoomNode;
    const member = await this.#wait(to.moveHere(place.member, this.#nodeOf(place), this.#nextClaim(user)));
    this.#places.set(user, { node: index, member });
  }

  async #die(index: number): Promise<void> {
    const dead = this.#nodes[index] as RoomNode;
    await dead.bus.close();
    this.#broken.delete(index);
    for (const [user, { node }] of this.#places) if (node === index) this.#places.delete(user);
    const others = this.#nodes.filter((node) => node !== dead);
    this.#deaths = this.#deaths.filter(({ by }) => by !== dead).concat(others.map((by) => ({ by, of: dead.id })));
    this.#nodes[index] = await this.#bear();
  }

  #hearDeath(): void {
    const death = this.#deaths.shift();
    if (death === undefined) return;
    death.by.peers.gone(death.of);
    death.by.hub.nodeGone(death.of);
  }

  #nextClaim(user: number): number {
    const claim = (this.#claims.get(user) ?? 0) + 1;
    this.#claims.set(user, claim);
    return claim;
  }

  async #pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) await this.#step();
  }

  async #step(): Promise<void> {
    this.#timers.advance(stepMs);
    await this.#hub.settle();
    for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async #wait<Value>(work: Promise<Value>): Promise<Value> {
    const state = { isDone: false };
    const done = work.finally(() => {
      state.isDone = true;
    });
    await Promise.race([done.catch(() => {}), new Promise((resolve) => setImmediate(resolve))]);
    while (!state.isDone) await this.#step();
    return done;
  }
}

const action = fc.record({
  do: fc.oneof(
    ...(
      [
        [6, 'join'],
        [3, 'part'],
        [6, 'say'],
        [2, 'relay'],
        [4, 'move'],
        [1, 'lose'],
        [1, 'break'],
        [2, 'mend'],
        [1, 'die'],
        [2, 'hear'],
        [3, 'wait'],
      ] as const
    ).map(([weight, name]) => ({ weight, arbitrary: fc.constant(name) })),
  ),
  user: fc.integer({ min: 1, max: userCount }),
  node: fc.integer({ min: 0, max: nodeCount - 1 }),
});

type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

test('whatever happens between three nodes, in the end everybody knows who is there, and was shown each step once', async (t) => {
  const storage = await (await createSqliteDatabase(t)).open();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      run += 1;
      const room = `room-${run}`;
      await furnish(storage, room, userCount);
      const world = new World(t, storage, room);
      await world.begin();
      for (const one of actions) await world.run(one);
      await world.settle();
      world.check();
    }),
    { numRuns: Number(process.env['RUNS'] ?? 60) },
  );
  t.true(run > 0);
});
