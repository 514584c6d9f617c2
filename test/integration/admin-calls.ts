/**
 * Every call of the administration API, once: what the tests of roles go through. A call that is in the document and not
 * here fails one of them.
 */
import { goodPassword, type RestServer } from './rest-server.ts';

export type AdminCall = {
  /** As in docs/openapi.yaml. */
  name: string;
  method: string;
  path: string;
  json?: unknown;
  /** What a superuser is answered. */
  status: number;
};

type Row = readonly [name: string, path: string, status: number, json?: unknown];

const rows: readonly Row[] = [
  ['GET /admin/api/now', '/now', 200],
  ['GET /admin/api/rooms', '/rooms?search=secret&limit=5', 200],
  ['POST /admin/api/rooms', '/rooms', 201, { name: 'made', topic: 'made by a test' }],
  ['GET /admin/api/rooms/{name}', '/rooms/secret-room', 200],
  ['GET /admin/api/messages', '/messages?q=secret&user=bob&room=secret-room', 200],
  ['DELETE /admin/api/rooms/{name}/messages/{id}', '/rooms/secret-room/messages/1', 204],
  ['PATCH /admin/api/rooms/{name}', '/rooms/secret-room', 200, { name: 'renamed', topic: '' }],
  ['DELETE /admin/api/rooms/{name}', '/rooms/renamed', 204],
  ['GET /admin/api/users', '/users?search=bob', 200],
  ['POST /admin/api/users', '/users', 201, { username: 'made', password: goodPassword, email: 'made@example.org' }],
  ['GET /admin/api/users/{username}', '/users/bob', 200],
  ['PATCH /admin/api/users/{username}', '/users/bob', 200, { is_active: false, is_superuser: true }],
  ['PUT /admin/api/users/{username}/mute', '/users/bob/mute', 200, { minutes: 5 }],
  ['DELETE /admin/api/users/{username}/mute', '/users/bob/mute', 200],
  ['DELETE /admin/api/users/{username}/tokens/{id}', '/users/bob/tokens/1', 204],
  ['PUT /admin/api/users/{username}/password', '/users/bob/password', 204, { password: 'another horse' }],
  ['POST /admin/api/users/{username}/kick', '/users/bob/kick', 204],
  ['PUT /admin/api/users/{username}/ban', '/users/bob/ban', 200, { minutes: 5, reason: 'secret reason' }],
  ['DELETE /admin/api/users/{username}/ban', '/users/bob/ban', 200],
  ['GET /admin/api/audit', '/audit?actor=ada', 200],
];

/** On a furnished server, in this order, each of them succeeds. */
export const adminCalls: readonly AdminCall[] = rows.map(([name, path, status, json]) => ({
  name,
  method: name.split(' ')[0] ?? '',
  path: `/admin/api${path}`,
  status,
  ...(json === undefined ? {} : { json }),
}));

/** What the furnished server has that nobody but an administrator may read. */
export const secrets = ['secret', 'bob', 'hidden@example.org'] as const;

/** Puts something to find into a new server: bob with his token 1, and what he said in the room of secrets. */
export async function furnish({ accounts, storage, token, clock }: RestServer): Promise<void> {
  const room = await storage.rooms.create({ name: 'secret-room', topic: 'secret topic', createdAt: clock.now() });
  const bob = await accounts.register({ username: 'bob', password: goodPassword, email: 'hidden@example.org' });
  await token('bob');
  await storage.messages.append([
    { roomId: room.id, userId: bob.id, body: 'secret words', ref: 'r', createdAt: clock.now() },
  ]);
}

/** Everything that acts could have changed, as text. */
export async function stateOf({ storage }: RestServer): Promise<string> {
  const users = await storage.users.list();
  const tokens = (await storage.tokens.list()).map(({ id, userId }) => ({ id, userId }));
  const rooms = await storage.rooms.list();
  const { messages } = await storage.messages.search({ limit: 100 });
  const audit = await storage.audit.list({ limit: 100 });
  return JSON.stringify({ users, tokens, rooms, messages, audit });
}

/** Makes the user a superuser, or none any more, as another process would. Resolves the user's id. */
export async function promote({ storage }: RestServer, username: string, isSuperuser = true): Promise<number> {
  const user = await storage.users.findByName(username);
  if (user === undefined) throw new Error(`There is no ${username}.`);
  await storage.users.setSuperuser(user.id, isSuperuser);
  return user.id;
}

/** A superuser's token. */
export async function superuser(server: RestServer, username = 'ada'): Promise<string> {
  const token = await server.token(username);
  await promote(server, username);
  return token;
}
