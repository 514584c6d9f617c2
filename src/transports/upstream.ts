/**
 * The one way in for what clients send beside their connection: `POST` and `DELETE` of event streams and polls. Finds the
 * session that it is for; what a message means is the session's.
 */
import type { Accounts } from '../core/accounts.ts';
import type { Credentials } from '../core/credentials.ts';
import { AuthenticationError } from '../core/errors.ts';
import type { Session } from '../core/session.ts';

export type UpstreamOptions = {
  /** The resumable session that is attached with this token, or was last. */
  find: (credentials: Credentials, id: string | undefined) => Session | undefined;
  accounts: Pick<Accounts, 'authenticate'>;
};

/** `flooding`: more than any client needs, and nothing was taken. */
export type UpstreamOutcome = 'done' | 'not-authenticated' | 'not-connected' | 'flooding';

/** `session`: the id of the session that the client means, where it says so. Both reject with `StoreError`. */
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

export function createUpstream({ find, accounts }: UpstreamOptions): Upstream {
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
    async post({ credentials, session: id }, messages, bytes) {
      const session = find(credentials, id);
      if (session === undefined) return refusal(credentials);
      return session.post(messages, bytes) ? 'done' : 'flooding';
    },
    async leave({ credentials, session: id }) {
      const session = find(credentials, id);
      if (session === undefined) return refusal(credentials);
      session.leave();
      await session.ended;
      return 'done';
    },
  };
}
