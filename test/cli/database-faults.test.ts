/** What a person reads whose DATABASE_URL, host or port is wrong: a sentence, exit 1, and the process ends. */
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Desk, openDesk } from './command-line.ts';

async function refusal(t: ExecutionContext, desk: Desk, args: string[], env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await desk.run(args, { env: { PORT: '0', ...env } });
  t.is(code, 1);
  t.is(stdout, '');
  t.regex(stderr, /^[^\n]+\n$/, 'one line, no stack');
  return stderr;
}

test('a database that is a folder, below a file, or no database is refused with a sentence', async (t) => {
  const desk = await openDesk(t, { database: null });
  const folder = join(desk.folder, 'folder');
  const text = join(desk.folder, 'text');
  await mkdir(folder);
  await writeFile(
    text,
    'This is no database, but a file that is long enough to be read as the head of one. '.repeat(20),
  );
  for (const file of [folder, join(text, 'below.sqlite')]) {
    const env = { DATABASE_URL: `sqlite://${file}` };
    for (const command of ['serve', 'migrate']) {
      const sentence = await refusal(t, desk, [command], env);
      t.true(sentence.startsWith(`${file} cannot be made or is no file. DATABASE_URL must name a file`), sentence);
    }
    const { code, stdout } = await desk.run(['check'], { env: { PORT: '0', ...env } });
    t.is(code, 1);
    t.regex(stdout, /database file +failed +\S+ (is no file|cannot be created: \S+ is no folder)/);
  }
  t.regex(await refusal(t, desk, ['serve'], { DATABASE_URL: `sqlite://${text}` }), /not a database.*DATABASE_URL/);
});

test('a new database is private: its folder, its file and the files beside it', async (t) => {
  const desk = await openDesk(t, { database: null });
  t.is((await desk.run(['migrate'])).code, 0);
  const mode = async (path: string): Promise<number> => (await stat(join(desk.folder, path))).mode & 0o777;
  t.is(await mode('data'), 0o700);
  t.is(await mode('data/finchat.sqlite'), 0o600);
  t.is(await mode('data/finchat.sqlite-migration'), 0o600);
  t.regex((await desk.run(['check'], { env: { PORT: '0' } })).stdout, /database file +ok/);
});

test('a PostgreSQL that asks for a password which DATABASE_URL lacks is told of, and the command ends', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    // AuthenticationSASL, then AuthenticationSASLContinue: https://www.postgresql.org/docs/13/protocol-message-formats.html
    socket.once('data', () => {
      socket.write(message(10, 'SCRAM-SHA-256\0\0'));
      socket.once('data', () => socket.write(message(11, 'r=x,s=eA==,i=4096')));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const desk = await openDesk(t, { database: null });
  const env = { DATABASE_URL: `postgres://ada@127.0.0.1:${(server.address() as AddressInfo).port}/chat` };
  for (const command of [['serve'], ['rooms', 'list']]) {
    t.regex(
      await refusal(t, desk, command, env),
      /asks for a password: put it into DATABASE_URL or POSTGRES_PASSWORD\.\n$/,
    );
  }
});

test('an address that this machine lacks, and ports in use, are named with their settings', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const port = String((taken.address() as AddressInfo).port);
  const desk = await openDesk(t);
  // 192.0.2.0/24 is reserved for documents (RFC 5737): no machine has it.
  t.regex(await refusal(t, desk, ['serve'], { HOST: '192.0.2.1' }), /no such address: set HOST to/);
  t.regex(await refusal(t, desk, ['serve'], { PORT: port }), /in use: stop the other program, or set PORT\./);
  const metrics = await desk.run(['serve'], { env: { PORT: '0', METRICS_PORT: port } });
  t.is(metrics.code, 1);
  t.regex(metrics.stderr, /in use: stop the other program, or set METRICS_PORT\./);
});

function message(kind: number, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(9);
  head.write('R');
  head.writeInt32BE(8 + body.length, 1);
  head.writeInt32BE(kind, 5);
  return Buffer.concat([head, body]);
}
