import test from 'ava';
import { RequestError } from '../../client/errors.ts';
import type { Rest } from '../../client/rest.ts';
import { createAccess, type TokenPlace } from './access.ts';

const refusal = (status: number) => new RequestError(status, {}, undefined);

/** `who`: what the server knows of each token. */
function newAccess(who: Record<string, 'superuser' | 'user'>, stored?: string) {
  let token = stored;
  const place: TokenPlace = {
    read: () => token,
    write: (value) => {
      token = value;
    },
  };
  const ended: (string | undefined)[] = [];
  const server = { isAway: false };
  const kindOf = (given: string | undefined) => {
    if (server.isAway) throw refusal(0);
    const kind = given === undefined ? undefined : who[given];
    if (kind === undefined) throw refusal(401);
    return kind;
  };
  const rest: Rest = {
    register: async () => ({ username: '', email: '' }),
    login: async ({ username }) => {
      if (who[username] === undefined) throw refusal(400);
      return username;
    },
    logout: async (given) => {
      ended.push(given);
      if (server.isAway) throw refusal(0);
    },
    profile: async (given) => {
      kindOf(given);
      return { username: given ?? '', email: '' };
    },
  };
  const now = async () => {
    if (kindOf(token) === 'user') throw refusal(403);
    return {} as never;
  };
  return { access: createAccess({ rest, api: { now }, place }), place, ended, server };
}

test('without a token one has to log in, without a word', async (t) => {
  const { access } = newAccess({});
  await access.check();
  t.deepEqual(access.state.value, { kind: 'signed-out', why: undefined });
});

test('a superuser gets in, by a stored token or by logging in', async (t) => {
  const { access, place } = newAccess({ root: 'superuser' }, 'root');
  await access.check();
  t.deepEqual(access.state.value, { kind: 'granted', username: 'root' });
  await access.logout();
  t.is(place.read(), undefined);
  await access.login({ username: 'root', password: '' });
  t.deepEqual(access.state.value, { kind: 'granted', username: 'root' });
  t.is(place.read(), 'root');
});

test('a log-in that is refused says why and changes nothing', async (t) => {
  const { access, place } = newAccess({});
  await access.check();
  const error = await t.throwsAsync(access.login({ username: 'ada', password: '' }), { instanceOf: RequestError });
  t.is(error.status, 400);
  t.is(place.read(), undefined);
  t.is(access.state.value.kind, 'signed-out');
});

test('others are told that it is not for them, and stay logged in', async (t) => {
  const { access, place } = newAccess({ ada: 'user' }, 'ada');
  await access.check();
  t.deepEqual(access.state.value, { kind: 'forbidden', username: 'ada' });
  t.is(place.read(), 'ada');
});

test('a token that ended leads to the log-in, at the start and later', async (t) => {
  const { access, place } = newAccess({ root: 'superuser' }, 'gone');
  await access.check();
  t.deepEqual(access.state.value, { kind: 'signed-out', why: 'ended' });
  t.is(place.read(), undefined);
  await access.login({ username: 'root', password: '' });
  access.refused(401);
  t.deepEqual(access.state.value, { kind: 'signed-out', why: 'ended' });
});

test('who is a superuser no more is told so', async (t) => {
  const { access } = newAccess({ root: 'superuser' }, 'root');
  await access.check();
  access.refused(403);
  t.deepEqual(access.state.value, { kind: 'forbidden', username: 'root' });
});

test('a server that is away is no reason to forget the token', async (t) => {
  const { access, place, server } = newAccess({ root: 'superuser' }, 'root');
  server.isAway = true;
  await access.check();
  t.is(access.state.value.kind, 'unknown');
  t.is(place.read(), 'root');
  server.isAway = false;
  await access.check();
  t.is(access.state.value.kind, 'granted');
});

test('logging out ends the token, and forgets it though the server is away', async (t) => {
  const { access, place, server, ended } = newAccess({ root: 'superuser' }, 'root');
  await access.check();
  server.isAway = true;
  await access.logout();
  t.deepEqual(ended, ['root']);
  t.is(place.read(), undefined);
  t.deepEqual(access.state.value, { kind: 'signed-out', why: 'logged-out' });
});

test('an answer to a check of before is not the last word', async (t) => {
  const { access } = newAccess({ root: 'superuser' }, 'root');
  const early = access.check();
  await access.logout();
  await early;
  t.is(access.state.value.kind, 'signed-out');
});

test('logging out in another window logs out here, and logging in there lets in here', async (t) => {
  const { access, place } = newAccess({ root: 'superuser' }, 'root');
  await access.check();
  place.write(undefined);
  access.tokenChanged();
  t.deepEqual(access.state.value, { kind: 'signed-out', why: 'logged-out' });
  place.write('root');
  access.tokenChanged();
  t.is(access.state.value.kind, 'checking');
  await access.check();
  t.is(access.state.value.kind, 'granted');
});
