/**
 * Reads a token from a request's credentials, for REST and for every transport. Decides only the form: whether the
 * token opens anything is accounts' business. The sentences are those that clients of token-authenticated servers know.
 */

export type ClientCredentials =
  | { kind: 'none' }
  /** `detail`: what is wrong with the form, as a sentence. */
  | { kind: 'malformed'; detail: string }
  | { kind: 'token'; token: string };

export type Credentials =
  | ClientCredentials
  /** Another node was shown the token: nodes tell each other its hash only. */
  | { kind: 'hashed'; hash: string };

/** The detail of an answer to a request without credentials. */
export const noCredentialsDetail = 'Authentication credentials were not provided.';

// RFC 6750 §2.1, b64token: what a token may consist of in a header.
const tokenForm = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * The header wins over the query. A header of another scheme counts only where there is no query token: a proxy's
 * own Basic authentication must not shut out a client that brings its token in the query.
 * @param authorizationHeader the `Authorization` header: `Token …` or `Bearer …`, the scheme without regard to case
 * @param queryToken the value of `?token=`, where it is allowed
 */
export function readCredentials(
  authorizationHeader: string | undefined,
  queryToken: string | undefined,
): ClientCredentials {
  const parts = authorizationHeader?.split(/[ \t]+/).filter((part) => part !== '') ?? [];
  const scheme = parts[0]?.toLowerCase();
  if (scheme === 'token' || scheme === 'bearer') return readHeaderToken(parts.slice(1));
  if (queryToken !== undefined && queryToken !== '') return readToken(queryToken, 'Invalid token.');
  if (scheme === undefined) return { kind: 'none' };
  return { kind: 'malformed', detail: 'Invalid token header. It has the form "Authorization: Token …".' };
}

function readHeaderToken(parts: readonly string[]): ClientCredentials {
  const [token, ...rest] = parts;
  if (token === undefined) return { kind: 'malformed', detail: 'Invalid token header. No credentials provided.' };
  if (rest.length > 0) {
    return { kind: 'malformed', detail: 'Invalid token header. Token string should not contain spaces.' };
  }
  return readToken(token, 'Invalid token header.');
}

function readToken(token: string, subject: string): ClientCredentials {
  if (tokenForm.test(token)) return { kind: 'token', token };
  return { kind: 'malformed', detail: `${subject} Token string should not contain invalid characters.` };
}
