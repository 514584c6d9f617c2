/** The REST calls. Knows HTTP and nothing of the chat. */
import { type CallOptions, createCall, fieldsOf, unreadable } from './call.ts';
import type { FetchLike, Timers } from './platform.ts';

/** `isSuperuser`: only there, and true, for a user who may administer the server. */
export type Profile = { username: string; email: string; isSuperuser?: true };
export type Credentials = { username: string; password: string };
export type Registration = Credentials & { email?: string };

export type Rest = {
  register(registration: Registration, options?: CallOptions): Promise<Profile>;
  /** Resolves with the token. */
  login(credentials: Credentials, options?: CallOptions): Promise<string>;
  logout(token: string | undefined, options?: CallOptions): Promise<void>;
  profile(token: string | undefined, options?: CallOptions): Promise<Profile>;
};

export function createRest(base: string, fetch: FetchLike, timers: Timers, timeoutMs: number): Rest {
  const call = createCall(base, fetch, timers, timeoutMs);
  return {
    async register(body, options) {
      return profileOf(await call({ method: 'POST', path: '/register', body }, options));
    },
    async login(body, options) {
      const answer = await call({ method: 'POST', path: '/login', body }, options);
      const { token } = fieldsOf(answer);
      if (typeof token !== 'string') throw unreadable();
      return token;
    },
    async logout(token, options) {
      await call({ method: 'POST', path: '/logout', token }, options);
    },
    async profile(token, options) {
      return profileOf(await call({ method: 'GET', path: '/profile', token }, options));
    },
  };
}

function profileOf(answer: unknown): Profile {
  const { username, email, is_superuser } = fieldsOf(answer);
  if (typeof username !== 'string') throw unreadable();
  const profile = { username, email: typeof email === 'string' ? email : '' };
  return is_superuser === true ? { ...profile, isSuperuser: true } : profile;
}
