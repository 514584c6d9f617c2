import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'dotenv';
import fc from 'fast-check';
import { closeEnvFile, quoteEnvValue, readEnvFile, setEnvValue, writeEnvFile } from './env-file.ts';

/**
 * What docker compose reads (compose-go's dotenv): single quotes are literal, double quotes and bare words fill in `$`
 * and take backslashes as escapes, a bare word ends at ` #`.
 */
function readAsCompose(line: string): string | undefined {
  const [, value = ''] = /^K=(.*)$/.exec(line) ?? [];
  const single = /^'([^']*)'$/.exec(value)?.[1];
  if (single !== undefined) return single;
  const double = /^"([^"]*)"$/.exec(value)?.[1];
  const text = double ?? value;
  if (/[$\\]/.test(text) || (double === undefined && /[\s#'"]/.test(text))) return undefined;
  return text;
}

const refused = { name: 'CommandError', message: /cannot stand in \.env/ };

test('a value is written so that dotenv and docker compose read it alike, or refused', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (value) => {
      let line: string;
      try {
        line = `K=${quoteEnvValue('K', value)}`;
      } catch (error) {
        return /[\r\n'\\]/.test(value) && error instanceof Error && error.name === 'CommandError';
      }
      return parse(`${line}\nNEXT=1\n`)['K'] === value && readAsCompose(line) === value;
    }),
  );
  t.pass();
});

test('a dollar sign stands in single quotes', (t) => {
  t.is(quoteEnvValue('K', 'pa$$word'), "'pa$$word'");
  t.is(quoteEnvValue('K', 'sqlite://data/x.sqlite'), 'sqlite://data/x.sqlite');
  t.is(quoteEnvValue('K', "it's"), `"it's"`);
  t.throws(() => quoteEnvValue('K', "it's $5"), refused);
  t.throws(() => quoteEnvValue('K', 'two\nlines'), refused);
  t.throws(() => quoteEnvValue('K', 'ends with \\'), refused);
});

test('setting a value leaves every other line as it is', (t) => {
  const text = '# mine\nHOST=localhost # here\n\nexport PORT = 8000\n# MOTD=hello\nLAST=1';
  t.is(setEnvValue(text, 'PORT', '9'), '# mine\nHOST=localhost # here\n\nPORT=9\n# MOTD=hello\nLAST=1\n');
  t.is(setEnvValue(text, 'MOTD', 'a b'), text.replace('# MOTD=hello', "MOTD='a b'").concat('\n'));
  t.is(setEnvValue(text, 'NEW', 'x'), `${text}\nNEW=x\n`);
  t.is(setEnvValue('A=1\n', 'NEW', 'x'), 'A=1\nNEW=x\n');
  t.is(setEnvValue('', 'NEW', 'x'), 'NEW=x\n');
});

test('of a variable that is set twice, the line that counts is replaced', (t) => {
  t.is(setEnvValue('A=1\nA=2\n', 'A', '3'), 'A=1\nA=3\n');
});

test('a value over several lines is never cut in its middle', (t) => {
  const text = 'KEY="first\nPORT=1\nlast"\n';
  t.throws(() => setEnvValue(text, 'PORT', '2'), { message: '.env cannot be changed safely: set PORT in it by hand.' });
});

test('the file is its owner’s alone, replaced at once, and nothing else is left beside it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-env-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, '.env');
  t.is(await readEnvFile(path), undefined);
  await writeEnvFile(path, 'A=1\n');
  await writeEnvFile(path, 'A=2\n');
  t.is(await readEnvFile(path), 'A=2\n');
  t.deepEqual(await readdir(folder), ['.env']);
  if (process.platform === 'win32') return;
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.false(await closeEnvFile(path));
  const open = join(folder, 'open.env');
  await writeFile(open, '', { mode: 0o644 });
  t.true(await closeEnvFile(open));
  t.is((await stat(open)).mode & 0o777, 0o600);
});

test('a folder that is not there is reported in a sentence', async (t) => {
  await t.throwsAsync(writeEnvFile(join(tmpdir(), 'finchat-no-such-folder', '.env'), ''), {
    name: 'CommandError',
    message: /cannot be written: .*Set the values in the environment instead\.$/,
  });
});
