/**
 * Asks the node that has a user's session whether it gives way to a newcomer here, and answers the same of its own. The
 * question goes over the bus; where it is not carried it goes through SQL, as a change that the owner reads, and what
 * came of it is read from the claim. So a bus that is away makes newcomers wait, and lets nobody in twice.
 */
import { z } from 'zod';
import { type Claim, type ClaimStore, NodeSilent, type Peers } from '../core/cluster-ports.ts';
import type { Change, ChangeStore, Clock } from '../core/ports.ts';
import type { Sessions } from '../core/sessions.ts';
import { type FatalCode, fatalCodes } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { OwnerAnswer } from './claim-keeper.ts';

/** Beyond the proof: for the way, and for what the older session has sent to be stored before it leaves. */
const marginMs = 2000;
/** Between two looks at the claim. */
const lookMs = 250;
/** The change is read within half a second, the proof takes up to three. */
const looksForMs = 4000;
/** Whoever has asked longer ago than this has given up. Above what the clocks of two nodes differ by. */
const lateMs = 30_000;

const keyForm = z.string().min(1).max(limits.sessionIdLength);
const questionForm = z.object({ userId: z.int().positive(), session: keyForm, takeover: z.boolean() });
const answerForm = z.object({ outcome: z.enum(['free', 'lives']) });
const owedForm = z.object({ userId: z.int().positive(), ms: z.int().positive() });
const endForm = z.object({ session: keyForm, code: z.enum(Object.keys(fatalCodes) as FatalCode[]) });

type Asked = Extract<Change, { kind: 'session-asked' }>;

export type OwnersOptions = {
  peers: Pick<Peers, 'ask' | 'serve' | 'tellAll' | 'on'>;
  store: Pick<ClaimStore, 'findByUser'>;
  changes: Pick<ChangeStore, 'append'>;
  clock: Clock;
};

export interface Owners {
  /** Asks the node that holds the user. Rejects with StoreError. */
  ask(claim: Claim, takeover: boolean): Promise<OwnerAnswer>;
  /** Answers for these sessions from now on. */
  serve(sessions: Pick<Sessions, 'giveWay' | 'noteEnded' | 'noteOwed'>): void;
  /** Another node has asked through SQL. */
  heard(change: Asked): void;
  /** A session here was ended by a fatal: its client may come back to any node, to be told so. */
  tellEnded(session: string, code: FatalCode): void;
  /** A session here has ended, and its user has sent much. `ms`: until that is made up for. */
  tellOwed(userId: number, ms: number): void;
}

export function createOwners({ peers, store, changes, clock }: OwnersOptions): Owners {
  let sessions: Pick<Sessions, 'giveWay'> | undefined;

  async function giveWay(question: z.infer<typeof questionForm>): Promise<boolean> {
    const { userId, session: key, takeover } = question;
    return sessions === undefined || sessions.giveWay({ userId, key }, takeover);
  }

  /** What the claim says of a node that has not answered. */
  async function look({ userId, session, node }: Claim): Promise<OwnerAnswer> {
    const claim = await store.findByUser(userId);
    return claim?.session === session && claim.node === node ? 'unknown' : 'free';
  }

  async function askThroughStore(claim: Claim, takeover: boolean): Promise<OwnerAnswer> {
    const { userId, session } = claim;
    await changes.append({ kind: 'session-asked', user: { id: userId }, session, takeover, at: clock.now() });
    for (let passedMs = 0; passedMs < looksForMs; passedMs += lookMs) {
      await new Promise<void>((resolve) => {
        clock.after(lookMs, resolve);
      });
      if ((await look(claim)) === 'free') return 'free';
    }
    return 'unknown';
  }

  return {
    async ask(claim, takeover) {
      const { userId, session, node } = claim;
      const options = { timeoutMs: limits.proofMs + marginMs };
      const begun = clock.now();
      try {
        const answer = answerForm.safeParse(await peers.ask(node, 'prove', { userId, session, takeover }, options));
        return answer.success ? answer.data.outcome : 'unknown';
      } catch (error: unknown) {
        if (!(error instanceof NodeSilent)) throw error;
        // It was given its time: a node that stands still reads no changes either, and clients wait no longer.
        if (clock.now() - begun >= options.timeoutMs) return look(claim);
        return askThroughStore(claim, takeover);
      }
    },

    serve(served) {
      sessions = served;
      peers.serve('prove', async (question) => {
        return { outcome: (await giveWay(questionForm.parse(question))) ? 'free' : 'lives' };
      });
      peers.on('ended', (value) => {
        const end = endForm.safeParse(value);
        if (end.success) served.noteEnded(end.data.session, end.data.code);
      });
      peers.on('owes', (value) => {
        const owed = owedForm.safeParse(value);
        if (owed.success) served.noteOwed(owed.data.userId, owed.data.ms);
      });
    },

    tellEnded: (session, code) => peers.tellAll('ended', { session, code }),

    tellOwed: (userId, ms) => peers.tellAll('owes', { userId, ms }),

    heard({ user, session, takeover, at }) {
      if (clock.now() - at <= lateMs) void giveWay({ userId: user.id, session, takeover });
    },
  };
}
