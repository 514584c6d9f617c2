/**
 * A deletion at any moment: while its message waits for its turn, while its room is loaded, while a join or a page of
 * history is read. What a member sees in the end is what the room holds, and nothing is shown after its deletion.
 */
import test from 'ava';
import fc from 'fast-check';
import { runCommand } from '../../src/core/commands.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type Member, message, openMember, openRoomWorld, type RoomWorld, type Shown } from '../support/room-world.ts';

const members = 3;
const pick = fc.nat(1_000);
const who = fc.nat(members - 1);

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('store' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('offer' as const), pick, who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete' as const), pick }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('apply' as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('join' as const), who, behind: fc.option(fc.nat(70)) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('part' as const), who }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('history' as const), who, pick }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), pick }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** The room and its members, and what is on its way to them. */
class Scene {
  readonly world: RoomWorld;
  readonly members: Member[] = Array.from({ length: members }, (_, index) => openMember(index + 1));
  readonly #busy = new Set<Member>();
  readonly #running = new Set<Promise<void>>();
  /** Ids that the store holds; those whose outcome is on its way; deletions that nobody has read yet. */
  readonly stored: Set<number>;
  #offers: number[] = [];
  #deletions: number[] = [];
  #lastId: number;

  constructor(begin: number) {
    const log = Array.from({ length: begin }, (_, index) => message(index + 1));
    this.stored = new Set(log.map(({ id }) => id));
    this.#lastId = begin;
    this.world = openRoomWorld(log);
  }

  /** The first is in the room; from now on reads wait. */
  async begin(): Promise<void> {
    await runCommand(this.world.context, (this.members[0] as Member).session, { type: 'join', room_name: 'friends' });
    this.world.store.isHeld = true;
  }

  async take(action: Step): Promise<void> {
    const { world } = this;
    if (action.do === 'store') {
      this.#lastId += 1;
      world.store.add(this.#lastId);
      this.stored.add(this.#lastId);
      this.#offers.push(this.#lastId);
    } else if (action.do === 'offer') this.#offer(action.pick, this.members[action.who] as Member);
    else if (action.do === 'delete') this.#delete(action.pick);
    else if (action.do === 'apply') this.#apply();
    else if (action.do === 'answer') world.store.answer(action.pick % Math.max(1, world.store.waiting));
    else if (action.do === 'turn') await turn();
    else this.#command(action, this.members[action.who] as Member);
  }

  /** Everything that is on its way arrives. */
  async end(): Promise<void> {
    while (this.#offers.length > 0) this.#offer(0, this.members[0] as Member);
    while (this.#deletions.length > 0) this.#apply();
    this.world.store.isHeld = false;
    while (this.#running.size > 0 || this.world.store.waiting > 0) {
      this.world.store.answer();
      await turn();
    }
    for (let turns = 0; turns < 5; turns += 1) await turn();
  }

  #offer(at: number, sender: Member): void {
    const [id] = this.#offers.splice(at % Math.max(1, this.#offers.length), 1);
    if (id === undefined) return;
    const isInside = sender.session.rooms.has(1);
    this.world.hub.offer(1, message(id), isInside ? { sender: sender.session, ref: 'r' } : undefined);
  }

  #delete(at: number): void {
    const ids = [...this.stored];
    const id = ids[at % Math.max(1, ids.length)];
    if (id === undefined) return;
    this.stored.delete(id);
    this.world.store.remove(id);
    this.#deletions.push(id);
  }

  #apply(): void {
    const id = this.#deletions.shift();
    if (id !== undefined) this.world.hub.delete(1, id);
  }

  /** A session's commands run one after the other. */
  #command(action: Extract<Step, { do: 'join' | 'part' | 'history' }>, member: Member): void {
    const { session } = member;
    if (this.#busy.has(member) || session.rooms.has(1) === (action.do === 'join')) return;
    const room_name = 'friends';
    const since =
      action.do === 'join' && action.behind !== null ? { since: Math.max(0, this.#lastId - action.behind) } : {};
    const running = runCommand(
      this.world.context,
      session,
      action.do === 'join'
        ? { type: 'join', room_name, ...since }
        : action.do === 'part'
          ? { type: 'part', room_name }
          : { type: 'history', room_name, before: 1 + (action.pick % (this.#lastId + 1)), limit: 20 },
    );
    if (running === undefined) return;
    this.#busy.add(member);
    const done = running.finally(() => {
      this.#busy.delete(member);
      this.#running.delete(done);
    });
    this.#running.add(done);
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const known = new Set(['joined', 'parted', 'message', 'history', 'deleted']);

/** What a client shows: from the lowest id of its join on. Throws where it would show something after its deletion. */
function viewOf(frames: readonly Shown[]): { from: number; ids: Set<number> } | undefined {
  let view: { from: number; ids: Set<number> } | undefined;
  let deleted = new Set<number>();
  const show = (id: number): void => {
    if (deleted.has(id)) throw new Error(`${id} is shown after its deletion`);
    view?.ids.add(id);
  };
  for (const { code, you, id = 0, status, messages = [], repeat } of frames) {
    if (code === 'joined' && you === true && status !== undefined) {
      const ids = status.messages.map((one) => one.id);
      deleted = new Set();
      view = { from: ids.at(-1) ?? status.last_id + 1, ids: new Set(ids) };
    } else if (code === 'parted' && you === true) view = undefined;
    else if (code === 'message' && repeat !== true) {
      if (view?.ids.has(id) === true) throw new Error(`${id} is shown twice`);
      show(id);
    } else if (code === 'history') {
      for (const one of messages) if (deleted.has(one.id)) show(one.id);
    } else if (code === 'deleted') {
      deleted.add(id);
      view?.ids.delete(id);
    }
    if (!known.has(code)) throw new Error(`${code} is no answer to what was asked`);
  }
  return view;
}

test('what members see in the end is what the room holds, whenever something is deleted', async (t) => {
  let checked = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 3, limits.joinMessages, limits.joinMessages + 20),
      fc.array(step, { minLength: 5, maxLength: 150, size: 'max' }),
      async (begin, steps) => {
        const scene = new Scene(begin);
        await scene.begin();
        for (const action of steps) await scene.take(action);
        await scene.end();
        for (const { frames } of scene.members) {
          const view = viewOf(frames);
          if (view === undefined) continue;
          checked += 1;
          const held = [...scene.stored].filter((id) => id >= view.from);
          t.deepEqual(
            [...view.ids].sort((a, b) => a - b),
            held,
          );
        }
        // Whoever joins now sees the newest of what there is.
        const newcomer = openMember(members + 1);
        await runCommand(scene.world.context, newcomer.session, { type: 'join', room_name: 'friends' });
        const seen = newcomer.frames[0]?.status?.messages.map(({ id }) => id) ?? [];
        t.deepEqual(seen.toReversed(), [...scene.stored].slice(-limits.joinMessages));
      },
    ),
    { numRuns: 400 },
  );
  t.true(checked > 100);
});
