/** Who comes over a connection, by its credentials. Coming counts as use of the token. */
import type { Accounts, Principal } from './accounts.ts';
import type { Credentials } from './credentials.ts';
import { AuthenticationError } from './errors.ts';
import type { TokenUses } from './token-uses.ts';

/** `unavailable`: the store could not be asked. */
export type Identity = Principal | 'not-authenticated' | 'unavailable';

export type IdentifierOptions = {
  accounts: Pick<Accounts, 'authenticate' | 'authenticateHash'>;
  tokenUses: Pick<TokenUses, 'note'>;
  log: { warn(details: object, sentence: string): void };
};

/** What is returned never rejects. */
export function createIdentifier(options: IdentifierOptions): (credentials: Credentials) => Promise<Identity> {
  const { accounts, tokenUses, log } = options;
  return async (credentials) => {
    if (credentials.kind !== 'token' && credentials.kind !== 'hashed') return 'not-authenticated';
    try {
      const principal = await (credentials.kind === 'token'
        ? accounts.authenticate(credentials.token)
        : accounts.authenticateHash(credentials.hash));
      tokenUses.note(principal);
      return principal;
    } catch (error: unknown) {
      if (error instanceof AuthenticationError) return 'not-authenticated';
      log.warn({ err: error }, 'A connection was sent away, because the store could not be asked who it is.');
      return 'unavailable';
    }
  };
}
