/** What nodes say to each other when a session moves, and how it is recognised: anything else that is heard is garbage. */
import { z } from 'zod';
import type { MemberState } from '../core/member-state.ts';
import { readSessionExport, type SessionExport } from '../core/session-state.ts';
import { limits } from '../protocol/limits.ts';

const count = z.int().nonnegative();
const id = z.int().positive();
const key = z.string().min(1).max(limits.sessionIdLength);

const roomForm = z.object({ id, roster: z.string().exactOptional() });
const questionForm = z.object({ userId: id, session: key, n: count, rooms: z.array(roomForm), isPoll: z.boolean() });

/** A room that is open for a session on its way. `roster`: the digest of its roster there; left out: it does not exist. */
export type OpenRoom = { id: number; roster?: string };

/**
 * The client of a session has come to another node and has `n` of its messages. `rooms`: those that are open there.
 * `isPoll`: it polls, and does not want to have it elsewhere as long as its owner goes on.
 */
export type MoveQuestion = { userId: number; session: string; n: number; rooms: OpenRoom[]; isPoll: boolean };

const movedForm = z.object({ session: key, claim: id, ended: z.boolean() });

/** The session has come, under this claim. `ended`: and it has ended there, for the others as well. */
export type MovedNotice = { session: string; claim: number; ended: boolean };

const cameForm = questionForm.pick({ userId: true, session: true });

/** Its former owner has not heard whether the session has come; answered with a `MovedNotice`, as soon as that is known. */
export type CameQuestion = { userId: number; session: string };

/** A session on its way. */
export type MovingSession = { session: SessionExport; rooms: MemberState[]; beganAt: number };

/**
 * - `no`: there is no such session, or it cannot go on from there; nothing was done.
 * - `flooding`: too many attempts; nothing was done.
 * - `rooms`: these have to be open first.
 * - `later`: what the client has sent has no outcome yet; or it is a poll, which is to be passed on.
 * - `comes`: it is as good as there; the owner keeps a copy until it hears that it has come.
 */
export type MoveAnswer =
  | { status: 'no' | 'flooding' | 'later' }
  | { status: 'rooms'; rooms: number[] }
  | ({ status: 'comes' } & MovingSession);

const messageForm = z.object({ id, userId: id, username: z.string(), body: z.string(), createdAt: z.number() });

const memberForm = z.object({
  roomId: id,
  name: z.string(),
  epoch: z.string(),
  position: count,
  users: z.array(z.object({ userId: id, username: z.string() })).exactOptional(),
  commands: z.array(z.tuple([z.string(), count])),
  heardForMs: z.number(),
  deleted: z.array(id),
  held: z.array(z.object({ message: messageForm, ref: z.string().exactOptional() })),
});

const answerForm = z.discriminatedUnion('status', [
  z.object({ status: z.enum(['no', 'flooding', 'later']) }),
  z.object({ status: z.literal('rooms'), rooms: z.array(id) }),
  z.object({
    status: z.literal('comes'),
    session: z.unknown(),
    rooms: z.array(memberForm),
    beganAt: z.number(),
  }),
]);

/** Undefined: garbage. */
export function readMoveQuestion(value: unknown): MoveQuestion | undefined {
  return questionForm.safeParse(value).data;
}

/** Undefined: garbage. */
export function readMovedNotice(value: unknown): MovedNotice | undefined {
  return movedForm.safeParse(value).data;
}

/** Undefined: garbage. */
export function readCameQuestion(value: unknown): CameQuestion | undefined {
  return cameForm.safeParse(value).data;
}

/** Undefined: garbage. */
export function readMoveAnswer(value: unknown): MoveAnswer | undefined {
  const answer = answerForm.safeParse(value).data;
  if (answer?.status !== 'comes') return answer;
  const session = readSessionExport(answer.session);
  return session && { ...answer, session };
}
