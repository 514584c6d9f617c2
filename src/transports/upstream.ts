/**
 * The one way in for what clients send beside their connection: `POST` and `DELETE` of event streams and polls. Finds the
 * session that it is for, here or on another node; what a message means is the session's.
 */
import { type Accounts, hashOf } from '../core/accounts.ts';
import type { Credentials } from '../core/credentials.ts';
import type { Elsewhere, SessionName } from '../core/elsewhere.ts';
import { AuthenticationError } from '../core/errors.ts';
import type { Session } from '../core/session.ts';

export type UpstreamOptions = {
  /** The resumable session that is attached with this token, or was last. */
  find: (credentials: Credentials, id: string | undefined) => Session | undefined;
  accounts: Pick<Accounts, 'authenticate'>;
  /** Left out: this node is alone. */
  elsewhere?: Pick<Elsewhere, 'post' | 'leave'>;
};

/** `flooding`: more than any client needs, and nothing was taken. */
export type UpstreamOutcome = 'done' | 'not-authenticated' | 'not-connected' | 'flooding';

/**
 * `session`: the id of the session that the client means, where it says so. Both reject with `StoreError`, and with
 * `NodeSilent` where the node that has the session does not answer.
 */
export interface Upstream {
  /** Hands over client messages, in order. `bytes`: their size as JSON. */
  post(
    from: { credentials: Credentials; session: string | undefined },
    messages: readonly unknown[],
    bytes: number,
  ): Promise<UpstreamOutcome>;
  /** Ends the session; resolves when it has left its rooms. */
  leave(from: { credentials: Credentials; session: string | undefined }): Promise<UpstreamOutcome>;
}

export function createUpstream({ find, accounts, elsewhere }: UpstreamOptions): Upstream {
  /** There is no session: does the token open anything at all? */
  async function refusal(credentials: Credentials): Promise<UpstreamOutcome> {
    if (credentials.kind !== 'token') return 'not-authenticated';
    try {
      await accounts.authenticate(credentials.token);
      return 'not-connected';
    } catch (error: unknown) {
      if (error instanceof AuthenticationError) return 'not-authenticated';
      throw error;
    }
  }

  return {
    async post(from, messages, bytes) {
      const session = find(from.credentials, from.session);
      if (session !== undefined) return session.post(messages, bytes) ? 'done' : 'flooding';
      const name = nameOf(from);
      return (name && (await elsewhere?.post(name, messages, bytes))) ?? refusal(from.credentials);
    },
    async leave(from) {
      const session = find(from.credentials, from.session);
      if (session === undefined) {
        const name = nameOf(from);
        return (name && (await elsewhere?.leave(name))) ?? refusal(from.credentials);
      }
      session.leave();
      await session.ended;
      return 'done';
    },
  };
}

/** Undefined: without a token there is none. */
function nameOf({
  credentials,
  session,
}: {
  credentials: Credentials;
  session: string | undefined;
}): SessionName | undefined {
  return credentials.kind === 'token' ? { tokenHash: hashOf(credentials), session } : undefined;
}
