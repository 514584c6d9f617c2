/**
 * A server with a chat and an administrator at work. Its changes are read when somebody says so and never by time, so
 * whatever takes effect does so because of the act. Every answer is held against docs/openapi.yaml.
 */
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { AuditEntry } from '../../src/protocol/admin.ts';
import { startApp, type TestApp } from '../support/app.ts';
import type { TestDatabase } from '../support/databases.ts';
import { answerFault } from './rest-contract.ts';

/** Milliseconds between two looks for changes, in src/core/change-reader.ts. */
const lookMs = 500;

export type Acted = { status: number; body: unknown };

export type AdminApp = {
  server: TestApp;
  token: string;
  /** A call of the administration API by ada, who is a superuser. `path` begins after `/admin/api`. */
  act: (method: string, path: string, json?: unknown, token?: string) => Promise<Acted>;
  /** The newest entry of the audit log, which must be this act of ada's from the page. */
  assertNoted: (act: string, target: string, details?: AuditEntry['details']) => Promise<void>;
};

export async function openAdminApp(t: ExecutionContext, db: TestDatabase): Promise<AdminApp> {
  const clock = {
    ...systemClock,
    after: (ms: number, run: () => void) => (ms === lookMs ? () => {} : systemClock.after(ms, run)),
  };
  const server = await startApp(t, { databaseUrl: db.url, overrides: { clock } });
  const token = await server.login('ada');
  const storage = await server.elsewhere();
  const ada = await storage.users.findByName('ada');
  await storage.users.setSuperuser(ada?.id ?? 0, true);

  async function act(method: string, path: string, json?: unknown, as = token): Promise<Acted> {
    const address = `/admin/api${path}`;
    const headers: Record<string, string> = { connection: 'close', authorization: `Token ${as}` };
    if (json !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(server.url + address, {
      method,
      headers,
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const answer = { status: response.status, headers: response.headers, body, text };
    const fault = answerFault(method, address, answer);
    if (fault !== undefined) throw new Error(fault);
    return { status: answer.status, body };
  }

  return {
    server,
    token,
    act,
    async assertNoted(named, target, details) {
      const { body } = await act('GET', '/audit?limit=1');
      const [entry] = (body as { entries: AuditEntry[] }).entries;
      t.like(entry, { actor: 'ada', via: 'page', act: named, target });
      if (details !== undefined) t.deepEqual(entry?.details, details);
    },
  };
}
