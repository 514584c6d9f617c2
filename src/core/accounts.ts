/**
 * Users and their tokens: registration, log-in, authentication, log-out, and what the command line does with them.
 * Owns the rules; knows no HTTP and no tables. A token is 256 random bits that only its owner has: the store holds a hash.
 */
import { hash as digest } from 'node:crypto';
import { z } from 'zod';
import { limits } from '../protocol/limits.ts';
import { usernameFault } from '../protocol/names.ts';
import { normalForm } from '../protocol/text.ts';
import type { Credentials } from './credentials.ts';
import { AuthenticationError, BadCredentials, FieldErrors, type FieldFaults, RightsLost } from './errors.ts';
import { fieldSentences, textFault, tooLong } from './fields.ts';
import { passwordFaults, passwordHardFaults } from './password-rules.ts';
import type { Passwords } from './passwords.ts';
import { mayLogIn } from './permissions.ts';
import {
  type Actor,
  type Clock,
  type RandomText,
  StoreError,
  type Token,
  type TokenStore,
  type User,
  type UserStore,
} from './ports.ts';

/** Who makes a request: a user, by one of the user's tokens. */
export type Principal = { user: User; token: Token };

export type AccountFields = {
  username?: string | undefined;
  password?: string | undefined;
  email?: string | undefined;
};

export type NewAccount = {
  username: string;
  password: string;
  email: string;
  isSuperuser: boolean;
  /** Takes a weak password. Blank, unstorable and overlong ones are refused all the same. */
  skipPasswordRules?: boolean;
};

/** Every method passes a `StoreError` of the store through. */
export interface Accounts {
  /**
   * Faults of the fields that are given, by field; none: an empty object. An address may be empty. Whether the name is
   * taken shows only when the account is made.
   */
  checkFields(fields: AccountFields): FieldFaults;
  /**
   * Makes an ordinary account. `known`: faults found while the input was read; they are reported together with the others.
   * `from`: the address that asks. Rejects with `FieldErrors` (all faults of all fields) or `Overloaded`.
   */
  register(fields: AccountFields, known?: FieldFaults, from?: string): Promise<User>;
  /**
   * The name is matched without regard to case. `from`: the address that asks. Rejects with `BadCredentials`, in the same
   * time for whatever reason, or `Overloaded`.
   */
  login(credentials: { username: string; password: string }, from?: string): Promise<{ token: string; user: User }>;
  /** Rejects with `AuthenticationError`. */
  authenticate(token: string): Promise<Principal>;
  /** As `authenticate`, by the token's hash (`hashToken`). */
  authenticateHash(hash: string): Promise<Principal>;
  /** Records uses, at most hourly, and moves the expiry of log-in tokens; the principals' records are changed too. */
  touch(principals: readonly Principal[]): Promise<void>;
  /** Revokes the token, everywhere. */
  logout(principal: Principal): Promise<void>;
  /** Rejects with `FieldErrors`. `by`, here and below: who administers, for the audit log; `RightsLost`: not any more. */
  createUser(account: NewAccount, by?: Actor): Promise<User>;
  /** Does not apply the rules for strong passwords: `checkFields` does. Revokes the user's log-in tokens. False: no such user. Rejects with `FieldErrors` for one that cannot be stored. */
  setPassword(userId: number, password: string, by?: Actor): Promise<boolean>;
  /** A long-lived token. `ttlDays` null: it never expires; its expiry does not move. */
  createToken(
    userId: number,
    label: string,
    ttlDays: number | null,
    by?: Actor,
  ): Promise<{ token: string; record: Token }>;
}

export type AccountsOptions = {
  users: UserStore;
  tokens: TokenStore;
  passwords: Passwords;
  clock: Clock;
  random: RandomText;
  /** Milliseconds without use after which a log-in token expires. */
  tokenTtlMs: number;
};

// 256 bits: nobody guesses one, so its plain SHA-256 is safe to store.
const tokenBytes = 32;
// A use is written at most this often, so that requests do not become writes.
const touchIntervalMs = 3_600_000;
const dayMs = 86_400_000;

export function createAccounts(options: AccountsOptions): Accounts {
  const { users, tokens, clock } = options;
  return {
    checkFields,
    register: (fields, known = {}, from = '') => register(options, fields, known, from),
    login: (credentials, from = '') => login(options, credentials, from),
    createUser: (account, by) => createUser(options, account, { by }),
    authenticate: (token) => authenticateHash(options, hashToken(token)),
    authenticateHash: (hash) => authenticateHash(options, hash),
    async touch(principals) {
      const now = clock.now();
      const expiresAt = now + options.tokenTtlMs;
      const due = principals
        .map(({ token }) => token)
        .filter(({ lastUsedAt }) => lastUsedAt === null || now - lastUsedAt >= touchIntervalMs);
      if (due.length === 0) return;
      for (const token of due) {
        token.lastUsedAt = now;
        if (token.label === null) token.expiresAt = expiresAt;
      }
      await tokens.touch(
        due.map(({ id }) => id),
        now,
        expiresAt,
      );
    },
    async logout({ token }) {
      await tokens.revoke(token.id);
    },
    async setPassword(userId, password, by) {
      const faults = passwordHardFaults(password);
      if (faults.length > 0) throw new FieldErrors({ password: faults });
      return users.setPassword(userId, await hashFor(options, password, by), by);
    },
    createToken: (userId, label, ttlDays, by) =>
      issueToken(options, userId, label, ttlDays === null ? null : clock.now() + ttlDays * dayMs, by),
  };
}

async function authenticateHash({ tokens, clock }: AccountsOptions, hash: string): Promise<Principal> {
  const found = await tokens.findByHash(hash);
  if (found === undefined || !mayLogIn(found.user, clock.now())) throw new AuthenticationError('unknown');
  const { expiresAt } = found.token;
  if (expiresAt !== null && expiresAt <= clock.now()) throw new AuthenticationError('expired');
  return found;
}

async function register(
  options: AccountsOptions,
  fields: AccountFields,
  known: FieldFaults,
  from: string,
): Promise<User> {
  const faults = { ...checkFields(fields), ...known };
  for (const field of ['username', 'password'] as const) {
    if (fields[field] === undefined) faults[field] ??= [fieldSentences.required];
  }
  const { username, password, email = '' } = fields;
  if (username !== undefined && faults.username === undefined) {
    const taken = await options.users.findByName(normalForm(username));
    if (taken !== undefined) faults.username = [fieldSentences.usernameTaken];
  }
  if (username === undefined || password === undefined || Object.keys(faults).length > 0) throw new FieldErrors(faults);
  return createUser(options, { username, password, email, isSuperuser: false }, { from });
}

async function createUser(
  options: AccountsOptions,
  account: NewAccount,
  { from = '', by }: { from?: string; by?: Actor | undefined },
): Promise<User> {
  const fields = { ...account, username: normalForm(account.username) };
  const faults = account.skipPasswordRules === true ? withoutPasswordRules(fields) : checkFields(fields);
  if (Object.keys(faults).length > 0) throw new FieldErrors(faults);
  const passwordHash = await hashFor(options, fields.password, by, from);
  const { users, clock } = options;
  const { username, email, isSuperuser } = fields;
  try {
    return await users.create({ username, email, passwordHash, isSuperuser, createdAt: clock.now() }, by);
  } catch (error) {
    // Two at once: the store lets one of them win.
    if (!(error instanceof StoreError) || error.kind !== 'conflict') throw error;
    throw new FieldErrors({ username: [fieldSentences.usernameTaken] });
  }
}

/**
 * The password's hash. It waits for its turn behind others, half a minute in a rush: an administrator who has lost the
 * rights meanwhile must not go on making administrators.
 */
async function hashFor(
  { users, passwords, clock }: AccountsOptions,
  password: string,
  by: Actor | undefined,
  from?: string,
): Promise<string> {
  const hash = await passwords.hash(password, from);
  const actorId = by?.userId ?? null;
  if (actorId === null) return hash;
  const actor = await users.findById(actorId);
  if (actor?.isSuperuser !== true || !mayLogIn(actor, clock.now())) throw new RightsLost();
  return hash;
}

async function login(
  options: AccountsOptions,
  { username, password }: { username: string; password: string },
  from: string,
): Promise<{ token: string; user: User }> {
  const { users, tokens, passwords, clock } = options;
  const name = normalForm(username);
  // A name that nobody can have is not looked up: it may not even be storable.
  const found = usernameFault(name) === undefined ? await users.findByName(name) : undefined;
  const isRight =
    found === undefined
      ? await passwords.verifyNothing(password, from)
      : await passwords.verify(password, found.passwordHash, from);
  if (found === undefined || !isRight || !mayLogIn(found, clock.now())) throw new BadCredentials();
  const { passwordHash, ...user } = found;
  const now = clock.now();
  const { token, record } = await issueToken(options, user.id, null, now + options.tokenTtlMs);
  // A password changed while the old one was verified has revoked the tokens that were there: not yet this one.
  const current = await users.findByName(name);
  if (current?.id !== user.id || current.passwordHash !== passwordHash) {
    await tokens.revoke(record.id);
    throw new BadCredentials();
  }
  await users.setLastLogin(user.id, now);
  return { token, user: { ...user, lastLoginAt: now } };
}

async function issueToken(
  { tokens, clock, random }: AccountsOptions,
  userId: number,
  label: string | null,
  expiresAt: number | null,
  by?: Actor,
): Promise<{ token: string; record: Token }> {
  const token = random(tokenBytes);
  const record = await tokens.create({ userId, hash: hashToken(token), label, createdAt: clock.now(), expiresAt }, by);
  return { token, record };
}

/** The form in which tokens are stored and compared: SHA-256 in hex. */
export function hashToken(token: string): string {
  // A quarter of what `createHash` costs: each poll and each POST comes with its token.
  return digest('sha256', token, 'hex');
}

/** The hash of the token; of credentials without one: a text that is no hash. */
export function hashOf(credentials: Credentials): string {
  if (credentials.kind === 'hashed') return credentials.hash;
  return credentials.kind === 'token' ? hashToken(credentials.token) : '';
}

// ---- fields ----

const emailForm = z.email();

function checkFields(fields: AccountFields): FieldFaults {
  const { username, password, email } = fields;
  return gather({
    username: username === undefined ? [] : usernameFaults(username),
    email: email === undefined ? [] : emailFaults(email),
    password: password === undefined ? [] : passwordFaults(password, fields),
  });
}

function withoutPasswordRules(fields: { username: string; password: string; email: string }): FieldFaults {
  return gather({
    username: usernameFaults(fields.username),
    email: emailFaults(fields.email),
    password: passwordHardFaults(fields.password),
  });
}

function usernameFaults(username: string): string[] {
  return some(textFault(username) ?? usernameFault(normalForm(username)));
}

function emailFaults(email: string): string[] {
  if (email === '') return [];
  const fault = textFault(email) ?? (email.length > limits.emailLength ? tooLong(limits.emailLength) : undefined);
  if (fault !== undefined) return [fault];
  return emailForm.safeParse(email).success ? [] : [fieldSentences.email];
}

function some(fault: string | undefined): string[] {
  return fault === undefined ? [] : [fault];
}

function gather(faults: FieldFaults): FieldFaults {
  return Object.fromEntries(Object.entries(faults).filter(([, sentences]) => sentences.length > 0));
}
