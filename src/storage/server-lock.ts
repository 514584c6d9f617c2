/**
 * The lock of the one server of a database, or of all the nodes of one cluster. On SQLite the operating system keeps it until the process ends. On
 * PostgreSQL it lives as long as a connection does, so this file watches that connection and takes the lock again when
 * it broke: `lost` resolves only when somebody else was faster.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Clock, Lock, RandomText } from '../core/ports.ts';
import { isSqlite } from './database.ts';
import { connect, endFormerHolder, tryAdvisoryLock, tryProcessLock } from './process-lock.ts';

/** A connection that broke silently is noticed after this and the deadline below. */
const pingEveryMs = 5000;
const pingDeadlineMs = 3000;
/** Pause between attempts to connect again. */
const reconnectPauseMs = 250;
/** Our own earlier session ends within this after it was told to. */
const formerHolderMs = 3000;

const lostSentence =
  'Another server has taken this database over while the connection to it was down. Only one server may run on a database, or several with REDIS_URL.';
const lostByNodeSentence =
  'A server without REDIS_URL has taken this database over while the connection to it was down. Several servers on one database need REDIS_URL, each of them.';

/** Undefined: another process holds the lock. A file is locked for one alone. */
export async function lockServer(
  url: string,
  clock: Clock,
  random: RandomText,
  shared = false,
): Promise<Lock | undefined> {
  if (!isSqlite(url)) return lockPostgres(url, clock, random, shared);
  const release = await tryProcessLock(url, 'server');
  return release && { lost: new Promise<string>(() => {}), release };
}

async function lockPostgres(url: string, clock: Clock, random: RandomText, shared: boolean): Promise<Lock | undefined> {
  // A name of its own tells this lock's earlier session from a stranger's.
  const name = `finchat server ${random(9)}`;
  let client = await connect(url, name);
  if (!(await tryAdvisoryLock(client, 'server', shared))) {
    await client.end();
    return undefined;
  }
  const ended = new AbortController();
  const lost = new Promise<string>((resolve) => {
    const keep = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        await untilBroken(client, clock, ended.signal);
        if (ended.signal.aborted) return;
        const next = await takeAgain(url, name, shared, ended.signal);
        if (next === undefined) {
          if (!ended.signal.aborted) resolve(shared ? lostByNodeSentence : lostSentence);
          return;
        }
        client = next;
      }
      // Released at the very moment when it had been taken again.
      await endClient(client);
    };
    void keep();
  });
  return {
    lost,
    async release() {
      ended.abort();
      await endClient(client);
    },
  };
}

/** Resolves when the connection has ended, or is ended here because it no longer answers. */
function untilBroken(client: pg.Client, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let stopTimer = (): void => {};
    let isFinished = false;
    const finish = (): void => {
      isFinished = true;
      stopTimer();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const ping = (): void => {
      stopTimer = clock.after(pingDeadlineMs, () => {
        // pg destroys the socket of a connection whose query is under way.
        void endClient(client);
        finish();
      });
      client.query('SELECT 1').then(() => {
        if (isFinished) return;
        stopTimer();
        stopTimer = clock.after(pingEveryMs, ping);
      }, finish);
    };
    client.once('end', finish);
    signal.addEventListener('abort', finish);
    stopTimer = clock.after(pingEveryMs, ping);
  });
}

/** Undefined: another process has the lock, or `signal` was aborted. */
async function takeAgain(
  url: string,
  name: string,
  shared: boolean,
  signal: AbortSignal,
): Promise<pg.Client | undefined> {
  let deadline: number | undefined;
  while (!signal.aborted) {
    let client: pg.Client | undefined;
    try {
      client = await connect(url, name);
      await endFormerHolder(client, 'server', name);
      if (await tryAdvisoryLock(client, 'server', shared)) {
        if (!signal.aborted) return client;
      } else {
        // Counted from the first answer: until the database is back, nobody can have taken the lock.
        deadline ??= performance.now() + formerHolderMs;
        if (performance.now() > deadline) {
          await endClient(client);
          return undefined;
        }
      }
    } catch {
      // Not back yet.
    }
    if (client !== undefined) await endClient(client);
    await delay(reconnectPauseMs, undefined, { ref: false });
  }
  return undefined;
}

async function endClient(client: pg.Client): Promise<void> {
  try {
    await client.end();
  } catch {
    // Broken already.
  }
}
