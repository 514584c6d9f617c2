/** The embedded ClaimStore, of one node alone: what it says holds for this process, and ends with it. */
import type { Claim, ClaimStore, ReplacedClaim } from './cluster-ports.ts';

type Held = Claim & { tokenHash: string };

export function createMemoryClaims(): ClaimStore {
  const byUser = new Map<number, Held>();
  const byToken = new Map<string, Held>();
  /** One for all users: it grows for each of them, and nothing is kept of users who have gone. */
  let number = 0;

  const find = ({ userId, session, node }: Pick<Claim, 'userId' | 'session' | 'node'>): Held | undefined => {
    const held = byUser.get(userId);
    return held?.session === session && held.node === node ? held : undefined;
  };

  const findOver = (userId: number, over: ReplacedClaim): Held | undefined => {
    const held = find({ userId, ...over });
    return held?.number === (over.number ?? held?.number) ? held : undefined;
  };

  const drop = (held: Held): void => {
    byUser.delete(held.userId);
    if (byToken.get(held.tokenHash) === held) byToken.delete(held.tokenHash);
  };

  const hold = (held: Held): void => {
    byUser.set(held.userId, held);
    byToken.set(held.tokenHash, held);
  };

  return {
    async take({ userId, session, node, tokenHash }, over) {
      const former = byUser.get(userId);
      const replaced = find({ userId, session, node }) ?? (over && findOver(userId, over));
      const isMove = over?.session === session && over.node !== node;
      if (former !== replaced || (isMove && former === undefined)) return undefined;
      if (former !== undefined) drop(former);
      number += 1;
      const held: Held = { userId, session, node, number, tokenHash };
      hold(held);
      return toClaim(held);
    },

    async release(claim) {
      const held = find(claim);
      if (held !== undefined) drop(held);
    },

    async bind(claim, tokenHash) {
      const held = find(claim);
      if (held === undefined) return;
      drop(held);
      hold({ ...held, tokenHash });
    },

    async findByUser(userId) {
      const held = byUser.get(userId);
      return held && toClaim(held);
    },

    async findByUsers(userIds) {
      return userIds.flatMap((userId) => byUser.get(userId) ?? []).map(toClaim);
    },

    async findByToken(tokenHash) {
      const held = byToken.get(tokenHash);
      return held && toClaim(held);
    },

    async listByNode(node) {
      const held = [...byUser.values()].filter((each) => each.node === node).map(toClaim);
      return held.sort((a, b) => a.userId - b.userId);
    },
  };
}

/** A copy of the caller's own. */
function toClaim({ userId, session, node, number }: Held): Claim {
  return { userId, session, node, number };
}
