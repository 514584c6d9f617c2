/**
 * Whether somebody may see the administration, and who it is: by the token that chat and administration share. The
 * server decides; this remembers its last word. Knows no document.
 */
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { RequestError } from '../../client/errors.ts';
import type { Credentials, Rest } from '../../client/rest.ts';
import type { AdminApi } from './api.ts';

export type Access =
  /** A stored token is being tried. */
  | { kind: 'checking' }
  /** `ended`: what was a token is none any more. */
  | { kind: 'signed-out'; why: 'logged-out' | 'ended' | undefined }
  /** Logged in, but no superuser. */
  | { kind: 'forbidden'; username: string | undefined }
  /** The server cannot say at the moment. */
  | { kind: 'unknown'; fault: unknown }
  | { kind: 'granted'; username: string };

/** Where the token is kept: shared with the chat page. */
export type TokenPlace = { read(): string | undefined; write(token: string | undefined): void };

export type AccessModel = {
  readonly state: ReadonlySignal<Access>;
  /** Asks the server, by the stored token. Never rejects. */
  check(): Promise<void>;
  /** Rejects with what the log-in was refused with. */
  login(credentials: Credentials): Promise<void>;
  /** The token is forgotten here whether or not the server can be told. */
  logout(): Promise<void>;
  /** An API call was refused so. */
  refused(status: 401 | 403): void;
  /** Another window of this browser has logged in or out. */
  tokenChanged(): void;
};

export function createAccess(parts: { rest: Rest; api: Pick<AdminApi, 'now'>; place: TokenPlace }): AccessModel {
  const { rest, api, place } = parts;
  const state = signal<Access>({ kind: 'checking' });
  let username: string | undefined;
  /** Which check counts: the last. */
  let checks = 0;

  const forget = (why: 'logged-out' | 'ended' | undefined): void =>
    batch(() => {
      checks += 1;
      username = undefined;
      place.write(undefined);
      state.value = { kind: 'signed-out', why };
    });

  const check = async (): Promise<void> => {
    checks += 1;
    const mine = checks;
    const token = place.read();
    if (token === undefined) {
      state.value = { kind: 'signed-out', why: undefined };
      return;
    }
    state.value = { kind: 'checking' };
    try {
      const profile = await rest.profile(token);
      if (mine !== checks) return;
      username = profile.username;
      await api.now();
      if (mine === checks) state.value = { kind: 'granted', username };
    } catch (fault) {
      if (mine !== checks) return;
      const status = fault instanceof RequestError ? fault.status : 0;
      if (status === 401) forget('ended');
      else if (status === 403) state.value = { kind: 'forbidden', username };
      else state.value = { kind: 'unknown', fault };
    }
  };

  return {
    state,
    check,
    async login(credentials) {
      place.write(await rest.login(credentials));
      await check();
    },
    async logout() {
      const token = place.read();
      forget('logged-out');
      await rest.logout(token).catch(() => undefined);
    },
    refused(status) {
      // While a check runs, it is the check that was refused, and it says so itself.
      if (state.value.kind !== 'granted') return;
      if (status === 401) forget('ended');
      else state.value = { kind: 'forbidden', username };
    },
    tokenChanged() {
      if (place.read() !== undefined) void check();
      else forget('logged-out');
    },
  };
}
