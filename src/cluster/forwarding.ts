/**
 * What clients ask of this node although their session lives on another: found by the token's hash, passed to the owner,
 * and answered here as the owner answers. Owns the questions `post`, `leave`, `poll` and `state`, on both sides. What is
 * passed on counts at the owner, against the same caps as everything else of the session, and here before it is passed on.
 */

import { z } from 'zod';
import type { Accounts } from '../core/accounts.ts';
import { type Claim, type ClaimStore, NodeSilent, type Peers } from '../core/cluster-ports.ts';
import { parseCursor } from '../core/cursor.ts';
import type { Answer, Elsewhere, PollQuestion, SessionName } from '../core/elsewhere.ts';
import { AuthenticationError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { Session } from '../core/session.ts';
import type { Sessions } from '../core/sessions.ts';
import type { OpenRequest } from '../core/transport.ts';
import { decodeClientValue } from '../protocol/codec.ts';
import { limits } from '../protocol/limits.ts';
import { ForwardGuard } from './forward-guard.ts';

/** For the way there and back, beyond what a poll waits. */
const marginMs = 3000;
/** A session leaves after what it has sent before: as long as a commit may take. */
const leaveTimeoutMs = 15_000;
/** Looks at who has a session, while it moves from one node to the next under our eyes. */
const maxLooks = 3;
/** Owners that are remembered, by token: wrong ones cost a question. About 3 MB. */
const maxKnown = 10_000;

const nameForm = z.object({
  userId: z.int().positive(),
  session: z.string().min(1).max(limits.sessionIdLength),
  tokenHash: z.string().min(1).max(100),
});
const forms = {
  post: nameForm.extend({ messages: z.array(z.unknown()), bytes: z.number().nonnegative() }),
  leave: nameForm,
  poll: nameForm.extend({
    cursor: z.string(),
    waitMs: z
      .number()
      .min(0)
      .max(limits.pollWaitMaxSeconds * 1000),
  }),
  state: nameForm.omit({ tokenHash: true }),
};
const nowhere = z.object({ outcome: z.literal('nowhere') });
const answerForms = {
  post: z.union([nowhere, z.object({ outcome: z.enum(['done', 'flooding']) })]),
  leave: z.union([nowhere, z.object({ outcome: z.literal('done') })]),
  poll: z.union([
    nowhere,
    z.object({
      outcome: z.literal('answered'),
      status: z.int().min(100).max(599),
      headers: z.record(z.string(), z.string()),
      body: z.string(),
    }),
  ]),
  state: z.union([
    nowhere,
    z.object({
      outcome: z.literal('here'),
      transport: z.enum(['websocket', 'sse', 'poll', 'detached']),
      beganAt: z.number(),
      rooms: z.array(z.string()),
    }),
  ]),
};

type Kind = keyof typeof forms;
type Question<K extends Kind> = z.infer<(typeof forms)[K]>;
type Outcome<K extends Kind> = z.infer<(typeof answerForms)[K]>;
/** What the owner answers, unless it does not have the session. */
type Found<K extends Kind> = Exclude<Outcome<K>, { outcome: 'nowhere' }>;

/** Answers a poll from a session that is here; undefined: it was broken off. */
type AnswerPoll = (request: OpenRequest, waitMs: number, signal: AbortSignal) => Promise<Answer | undefined>;

export type ForwardingOptions = {
  peers: Peers;
  store: Pick<ClaimStore, 'findByToken' | 'findByUser' | 'findByUsers'>;
  accounts: Pick<Accounts, 'authenticateHash'>;
  sessions: Sessions;
  poll: AnswerPoll;
  clock: Clock;
  /** Whether there are caps on what a session sends. */
  rateLimits: boolean;
};

/** Also answers what other nodes pass on to this one, from now on. */
export function createForwarding(options: ForwardingOptions): Elsewhere {
  const { peers, store, sessions } = options;
  const here = answerHere(options);
  for (const kind of ['post', 'leave', 'poll', 'state'] as const) serve(peers, kind, here[kind]);
  const seeker = new Seeker(options, here);

  return {
    async post(to, messages, bytes) {
      const size = { frames: messages.length, bytes };
      const found = await reach(seeker.byToken(to), (claim) =>
        seeker.pass(claim, size, 'post', () => ({
          ...nameOf(claim, to.tokenHash),
          messages: messages.map(essenceOf),
          bytes,
        })),
      );
      return found === 'flooding' ? found : found?.outcome;
    },

    // Nothing holds back who leaves: the first to arrive ends the session.
    async leave(to) {
      const limit = { timeoutMs: leaveTimeoutMs };
      const ask = (claim: Claim): ReturnType<typeof seeker.ask<'leave'>> =>
        seeker.ask(claim, 'leave', nameOf(claim, to.tokenHash), limit);
      return (await reach(seeker.byToken(to), ask))?.outcome;
    },

    poll(question, signal) {
      const id = parseCursor(question.cursor)?.session;
      const session = id === undefined ? undefined : sessions.withId(id);
      if (id === undefined || (session !== undefined && sessions.isSettled(session))) return undefined;
      return seeker.poll(question, id, signal);
    },

    async stateOf(userId) {
      const local = sessions.stateOf(userId);
      if (local !== undefined) return local;
      try {
        const find = (): Promise<Claim | undefined> => store.findByUser(userId);
        const found = await reach(find, (claim) => seeker.ask(claim, 'state', { userId, session: claim.session }));
        return found && { transport: found.transport, beganAt: found.beganAt, rooms: found.rooms };
      } catch (error: unknown) {
        if (error instanceof NodeSilent) return 'unknown';
        throw error;
      }
    },

    async online(userIds) {
      const claims = await store.findByUsers(userIds);
      // Of those here it is known who has left a moment ago.
      const chatting = claims.filter(({ userId, node }) => node !== peers.id || sessions.stateOf(userId) !== undefined);
      return new Set(chatting.map(({ userId }) => userId));
    },
  };
}

// ---- asking ----

type Find = (isFirst: boolean) => Promise<Claim | undefined>;

/** Undefined: no other node has the session. Rejects with NodeSilent when one has it and does not answer. */
async function reach<T>(find: Find, ask: (claim: Claim) => Promise<T | undefined>): Promise<T | undefined> {
  let former: Claim | undefined;
  let silence: NodeSilent | undefined;
  for (let look = 0; look < maxLooks; look += 1) {
    const claim = await find(look === 0);
    // A silent node that has lost its claims is dead.
    if (claim === undefined) return undefined;
    // Looked again, and nothing has changed.
    if (claim.node === former?.node && claim.session === former.session) break;
    former = claim;
    silence = undefined;
    try {
      const answer = await ask(claim);
      if (answer !== undefined) return answer;
    } catch (error: unknown) {
      if (!(error instanceof NodeSilent)) throw error;
      silence = error;
    }
  }
  if (silence !== undefined) throw silence;
  return undefined;
}

class Seeker {
  readonly #options: ForwardingOptions;
  readonly #here: Here;
  readonly #guard: ForwardGuard;
  /** Who had the session of a token when it was last looked for, oldest first. */
  readonly #known = new Map<string, Claim>();

  constructor(options: ForwardingOptions, here: Here) {
    this.#options = options;
    this.#here = here;
    this.#guard = new ForwardGuard(options.clock, options.rateLimits);
  }

  /** Undefined: the node does not have the session. */
  async ask<K extends Kind>(
    { node }: Claim,
    kind: K,
    question: Question<K>,
    limit: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Found<K> | undefined> {
    const { peers } = this.#options;
    const asked = node === peers.id ? this.#here[kind](question, limit.signal) : peers.ask(node, kind, question, limit);
    const answer = answerForms[kind].safeParse(await asked);
    // Of another version, perhaps: as good as none.
    if (!answer.success) throw new NodeSilent(node);
    return answer.data.outcome === 'nowhere' ? undefined : (answer.data as Found<K>);
  }

  /** As `ask`, unless it is too much for one user. */
  pass<K extends Kind>(
    claim: Claim,
    size: { frames: number; bytes: number },
    kind: K,
    question: () => Question<K>,
    limit?: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Found<K> | 'flooding' | undefined> {
    return this.#guard.pass(claim.userId, size, () => this.ask(claim, kind, question(), limit));
  }

  async poll(
    { tokenHash, cursor, waitMs }: PollQuestion,
    session: string,
    signal: AbortSignal,
  ): Promise<Answer | 'flooding' | undefined> {
    const { sessions, peers } = this.#options;
    return reach(this.#byCursor(tokenHash, session), async (claim) => {
      await sessions.settled({ userId: claim.userId, key: session });
      // It came here while it was looked for.
      if (claim.node === peers.id) return undefined;
      const limit = { timeoutMs: waitMs + marginMs, signal };
      const question = { ...nameOf(claim, tokenHash), cursor, waitMs };
      const found = await this.pass(claim, { frames: 1, bytes: 0 }, 'poll', () => question, limit);
      if (found === 'flooding') return found;
      return found && { status: found.status, headers: found.headers, body: Buffer.from(found.body) };
    });
  }

  byToken({ tokenHash, session }: SessionName): Find {
    const isMeant = (claim: Claim | undefined): boolean => session === undefined || claim?.session === session;
    return async (isFirst) => {
      const known = isFirst ? this.#known.get(tokenHash) : undefined;
      if (known !== undefined && isMeant(known)) return known;
      const claim = await this.#options.store.findByToken(tokenHash);
      this.#remember(tokenHash, claim);
      return isMeant(claim) ? claim : undefined;
    };
  }

  /** A poll may come with another token of the same user than the one before. */
  #byCursor(tokenHash: string, session: string): Find {
    const find = this.byToken({ tokenHash, session });
    return async (isFirst) => (await find(isFirst)) ?? this.#findOfUser(tokenHash, session);
  }

  async #findOfUser(tokenHash: string, session: string): Promise<Claim | undefined> {
    const { accounts, store } = this.#options;
    try {
      const { user } = await accounts.authenticateHash(tokenHash);
      const claim = await store.findByUser(user.id);
      return claim?.session === session ? claim : undefined;
    } catch (error: unknown) {
      // The client is told so here.
      if (error instanceof AuthenticationError) return undefined;
      throw error;
    }
  }

  #remember(tokenHash: string, claim: Claim | undefined): void {
    this.#known.delete(tokenHash);
    if (claim === undefined) return;
    this.#known.set(tokenHash, claim);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
  }
}

/**
 * What is decoded alike, and nothing else of the value: who posts may nest it deeper than it can be written as text again,
 * or write in four characters what takes twenty.
 */
function essenceOf(message: unknown): object {
  const decoded = decodeClientValue(message);
  if (decoded.kind === 'frame') return decoded.frame;
  const { kind, ref } = decoded;
  // No type is a number.
  const type = kind === 'invalid' ? 0 : (decoded.type ?? undefined);
  return { ...(type === undefined ? {} : { type }), ...(ref === undefined ? {} : { ref }) };
}

function nameOf({ userId, session }: Claim, tokenHash: string): Question<'leave'> {
  return { userId, session, tokenHash };
}

// ---- answering ----

type Here = { [K in Kind]: (question: Question<K>, signal: AbortSignal | undefined) => Promise<Outcome<K>> };

function serve<K extends Kind>(peers: Peers, kind: K, answer: Here[K]): void {
  peers.serve(kind, async (question, _from, signal) => answer(forms[kind].parse(question) as Question<K>, signal));
}

/** Of a session that is here, or about to be. */
function answerHere({ sessions, poll }: Pick<ForwardingOptions, 'sessions' | 'poll'>): Here {
  async function find({ userId, session: key, tokenHash }: Question<'leave'>): Promise<Session | undefined> {
    await sessions.settled({ userId, key });
    return sessions.find({ kind: 'hashed', hash: tokenHash }, key);
  }

  return {
    async post(question) {
      const session = await find(question);
      if (session === undefined) return { outcome: 'nowhere' };
      return { outcome: session.post(question.messages, question.bytes) ? 'done' : 'flooding' };
    },

    async leave(question) {
      const session = await find(question);
      if (session === undefined) return { outcome: 'nowhere' };
      session.leave();
      await session.ended;
      return { outcome: 'done' };
    },

    async poll({ userId, session: key, tokenHash, cursor, waitMs }, signal = new AbortController().signal) {
      await sessions.settled({ userId, key });
      // A node that stops passes the session on to whoever asks for it.
      if (sessions.withId(key) === undefined || sessions.isClosing) return { outcome: 'nowhere' };
      const credentials = { kind: 'hashed', hash: tokenHash } as const;
      const answer = await poll({ credentials, takeover: false, resumable: true, cursor }, waitMs, signal);
      // Broken off: nobody hears this.
      if (answer === undefined) return { outcome: 'nowhere' };
      const { status, headers, body } = answer;
      return { outcome: 'answered', status, headers: { ...headers }, body: body.toString() };
    },

    async state({ userId, session: key }) {
      await sessions.settled({ userId, key });
      const state = sessions.stateOf(userId);
      return state === undefined ? { outcome: 'nowhere' } : { outcome: 'here', ...state };
    },
  };
}
