/** The commands of README and ADMIN.md that use curl alone, run as they are printed. */
import { type ChildProcess, spawn } from 'node:child_process';
import test from 'ava';
import { startApp } from '../support/app.ts';
import { findProgram, programTest } from '../support/services.ts';
import { readProjectFile } from './markdown.ts';

const missing = findProgram('curl') === undefined ? 'curl is not installed' : undefined;

/** The commands of the part of README that begins with these words. */
function commands(words: string): string[] {
  const part = readProjectFile('README.md').split(`**${words}`)[1]?.split('\n## ')[0] ?? '';
  return Array.from(part.matchAll(/```sh\n(.*?)```/gs), ([, text = '']) => text);
}

function lastBlock(page: string): string {
  return Array.from(readProjectFile(page).matchAll(/```sh\n(.*?)```/gs), ([, text = '']) => text).at(-1) ?? '';
}

/** Runs shell commands; `output` is what they have printed so far. */
function run(text: string): { child: ChildProcess; output: () => string; until: (sign: string) => Promise<void> } {
  const child = spawn('bash', ['-c', `${text}\nwait`], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  let printed = '';
  let look = (): void => {};
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    look();
  });
  const until = (sign: string): Promise<void> =>
    new Promise((resolve) => {
      look = () => (printed.includes(sign) ? resolve() : undefined);
      look();
    });
  return { child, output: () => printed, until };
}

programTest(test, missing, 'README’s commands chat with curl alone, over a stream and over polls', async (t) => {
  const server = await startApp(t);
  const token = await server.login('ann');
  const [stream = '', poll = ''] = commands('With curl alone').map((text) =>
    text.replaceAll('http://localhost:8000', server.url),
  );
  const [open = '', ...post] = stream.split('\n');
  const streaming = run(`TOKEN=${token}\n${open}`);
  t.teardown(() => {
    if (streaming.child.exitCode === null) process.kill(-(streaming.child.pid ?? 0));
  });
  await streaming.until('api-motd');
  // People type it by hand, so the stream is open by then.
  run(`TOKEN=${token}\n${post.join('\n')}`);
  await streaming.until('"body":"Hi!"');
  const first = /^id: (\S+)$/m.exec(streaming.output())?.[1] ?? '';
  t.regex(first, /\.1$/);

  const polling = run(`TOKEN=${token}\n${poll.replace('….1', first)}`);
  await polling.until(']}');
  const answer = JSON.parse(polling.output()) as { cursor: string; messages: { code: string }[] };
  t.deepEqual(
    answer.messages.map(({ code }) => code),
    ['joined', 'message'],
  );
  await streaming.until('resumed-elsewhere');

  const address = /"(\S+wait=25)"/.exec(poll.replace('$TOKEN', token).replace('$CURSOR', answer.cursor))?.[1] ?? '';
  const left = await fetch(address, { method: 'DELETE' });
  t.is(left.status, 204);
});

programTest(test, missing, 'ADMIN.md’s commands administer with curl alone', async (t) => {
  const server = await startApp(t);
  const token = await server.login('ada');
  const mallory = await server.chat('mallory');
  await mallory.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  await mallory.ask({ type: 'message', room_name: 'friends', body: 'Cheap watches!' }, { code: 'message' });
  const storage = await server.elsewhere();
  const ada = await storage.users.findByName('ada');
  await storage.users.setSuperuser(ada?.id ?? 0, true);
  const text = lastBlock('docs/ADMIN.md')
    .replace('TOKEN=…', `TOKEN=${token}`)
    .replace('http://localhost:8000', server.url);
  const { child, output } = run(text.replaceAll(/^curl .*?[^\\]$/gms, '$&; echo'));
  await new Promise((resolve) => child.once('exit', resolve));
  const answers = output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  const [now, found, muted, banned, noted] = answers;
  t.is(answers.length, 5);
  t.like(now, { redis: 'not used', sessions: { websocket: 1 } });
  t.like(found, { messages: [{ room: 'friends', user: 'mallory', body: 'Cheap watches!' }], next: null });
  t.like(muted, { username: 'mallory', is_online: true, ban: null });
  t.like(banned, { username: 'mallory', is_online: false, ban: { reason: 'Spam in friends' } });
  t.like(noted, { entries: [{ act: 'user-banned' }, { act: 'user-muted' }], next: null });
});
