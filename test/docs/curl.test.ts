/** README's chat with curl alone, run as it is printed. */
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
