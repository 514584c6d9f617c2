/**
 * Rosters over three nodes: whatever happens, joins, parts, moves, things that the bus loses, nodes that die or find
 * themselves dead, names that change, nobody is shown somebody who joins or parts twice, or a message out of order; and
 * when the bus has carried for a while again, what each member was shown, and what each node believes, is the truth.
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { createMemoryBus, type MemoryHub } from '../../src/bus/memory-bus.ts';
import type { Clock, Storage } from '../../src/core/ports.ts';
import type { RoomInfo } from '../../src/core/rooms.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { createManualTimers } from '../support/manual-timers.ts';
import { followVisit, furnish, openRoomNode, type RoomNode } from '../support/room-cluster.ts';
import { type Member, openMember } from '../support/room-world.ts';

const nodeCount = 3;
const userCount = 5;
/** More than any wait of the rooms for what is missing. */
const settleMs = 12_000;
const stepMs = 100;
/** Some rooms are opened anew while a run lasts, others are found as they were left. */
const lingerMs = 300;

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
  /** Names that the room was given and that a node has not read of, oldest first. */
  readonly #names = new Map<RoomNode, string[]>();
  #room: RoomInfo;
  #said = 0;
  #born = 0;

  constructor(t: ExecutionContext, storage: Storage, room: RoomInfo) {
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
        if (place !== undefined) await this.#say(place);
        return;
      case 'relay':
        if (place !== undefined) this.#relay(place);
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
      case 'fence':
        this.#fence(index);
        return;
      case 'hear':
        this.#hearDeath();
        return;
      case 'rename':
        await this.#rename();
        return;
      case 'read':
        this.#readName(index);
        return;
      case 'wait':
        return this.#pass(stepMs * (1 + index));
    }
  }

  async settle(): Promise<void> {
    while (this.#deaths.length > 0) this.#hearDeath();
    for (const index of this.#nodes.keys()) while (this.#readName(index));
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
      equal(visit?.users, names, `${label} was shown`);
      const room = Array.from(place.member.session.rooms.all())[0];
      equal(room?.usernames(), names, `${label} has`);
      equal(visit?.last, this.#stored, `${label}: the last message`);
      const commands = place.member.frames.filter(({ code }) => code === 'custom').map(({ command }) => command);
      equal(new Set(commands).size, commands.length, `${label}: commands`);
    }
  }

  #nameAt(index: number): string {
    return this.#nodes[index]?.directory.get(this.#room.id)?.name ?? '';
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
    return openRoomNode(this.#t, { id, bus, cluster: 'c', clock: this.#clock, storage: this.#storage, lingerMs });
  }

  async #join(user: number, index: number): Promise<void> {
    this.#leave(user);
    const claim = this.#nextClaim(user);
    const node = this.#nodes[index] as RoomNode;
    const member = openMember(user, { key: `session-${user}-${claim}`, claim });
    this.#places.set(user, { node: index, member });
    await this.#wait(node.join(member, this.#nameAt(index)));
  }

  async #say(place: Place): Promise<void> {
    await this.#wait(this.#nodeOf(place).say(place.member, this.#nameAt(place.node), `m${++this.#said}`));
  }

  #relay(place: Place): void {
    this.#nodeOf(place).relay(place.member, this.#nameAt(place.node), `c${++this.#said}`);
  }

  /** To the other of two names. */
  async #rename(): Promise<void> {
    const { id, name } = this.#room;
    const next = name.endsWith('-b') ? name.slice(0, -2) : `${name}-b`;
    this.#room = { ...this.#room, name: next };
    await this.#storage.rooms.change(id, { name: next }, 1);
    for (const node of this.#nodes) this.#names.set(node, [...(this.#names.get(node) ?? []), next]);
  }

  /** False: there is nothing to be read. */
  #readName(index: number): boolean {
    const node = this.#nodes[index] as RoomNode;
    const name = this.#names.get(node)?.shift();
    if (name === undefined) return false;
    node.hub.disband(this.#room.id);
    node.directory.put({ ...this.#room, name });
    this.#forgetPlaces(index);
    return true;
  }

  /** Nobody of the node is in the room any more. */
  #forgetPlaces(index: number): void {
    for (const [user, { node, member }] of this.#places) {
      if (node !== index) continue;
      followVisit(member.frames);
      this.#places.delete(user);
    }
  }

  /** It goes on at once under another id, while the others may not have heard that it was dead. */
  #fence(index: number): void {
    const node = this.#nodes[index] as RoomNode;
    const dead = node.id;
    this.#forgetPlaces(index);
    this.#born += 1;
    node.restart(`node-${this.#born}`);
    for (const by of this.#nodes) if (by !== node) this.#deaths.push({ by, of: dead });
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
    // And the other node reads the changes first.
    while (this.#readName(index));
    const to = this.#nodes[index] as RoomNode;
    const member = await this.#wait(to.moveHere(place.member, this.#nodeOf(place), this.#nextClaim(user)));
    if (member.session.rooms.size > 0) this.#places.set(user, { node: index, member });
    else this.#places.delete(user);
  }

  async #die(index: number): Promise<void> {
    const dead = this.#nodes[index] as RoomNode;
    await dead.bus.close();
    this.#broken.delete(index);
    this.#forgetPlaces(index);
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

/** Thrown, so that the steps which led there are found. */
function equal(actual: unknown, expected: unknown, label: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${label} ${a}, which should be ${b}.`);
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
        [1, 'fence'],
        [1, 'rename'],
        [3, 'read'],
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
      const room = await furnish(storage, `room-${run}`, userCount);
      const world = new World(t, storage, room);
      await world.begin();
      for (const one of actions) await world.run(one);
      await world.settle();
      world.check();
    }),
    { numRuns: 60, includeErrorInReport: true },
  );
  t.true(run > 0);
});
