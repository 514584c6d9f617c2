/**
 * What a user may do at a moment. A ban or a mute whose time is over stays in the row until somebody looks, so everybody
 * who asks must compare with the clock: here, and nowhere else.
 */
import type { Ban, User } from './ports.ts';

/** The ban that holds now, or null. */
export function banNow(user: Pick<User, 'ban'>, now: number): Ban | null {
  const { ban } = user;
  return ban !== null && (ban.until === null || ban.until > now) ? ban : null;
}

/** Whether log-ins and tokens of this user are taken. */
export function mayLogIn(user: Pick<User, 'isActive' | 'ban'>, now: number): boolean {
  return user.isActive && banNow(user, now) === null;
}

/** Until when nothing that the user says is taken, or null. */
export function mutedNow(user: Pick<User, 'mutedUntil'>, now: number): number | null {
  const { mutedUntil } = user;
  return mutedUntil !== null && mutedUntil > now ? mutedUntil : null;
}
