import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'dotenv';
import { openDesk } from './command-line.ts';
import { openTerminal, terminalTest } from './terminal.ts';

const strong = 'correct horse 9 battery';

terminalTest(test, 'createsuperuser offers the user’s own name and asks for the password twice, hidden', async (t) => {
  const desk = await openDesk(t);
  const terminal = openTerminal(t, desk, ['createsuperuser']);
  await terminal.see(`Username: (${userInfo().username})`);
  terminal.type('\r');
  await terminal.see('Email address:');
  terminal.type('me@example.org\r');
  await terminal.see('Password:');
  terminal.type(`${strong}\r`);
  await terminal.see('Password (again):');
  terminal.type(`${strong}\r`);
  await terminal.see('Superuser created successfully.');
  t.is(await terminal.ended(), 0);
  t.false(terminal.screen().includes(strong));
  t.like(await desk.json(['users', 'show', userInfo().username]), { is_superuser: true, email: 'me@example.org' });
});

terminalTest(
  test,
  'names and addresses are checked while they are typed, passwords until they match and pass',
  async (t) => {
    const desk = await openDesk(t);
    await desk.json(['users', 'create', 'taken', '--password-stdin'], { input: strong });
    const terminal = openTerminal(t, desk, ['createsuperuser', '--email', '']);
    await terminal.see('Username:');
    terminal.type('TAKEN\r');
    await terminal.see('That username is already taken.');
    terminal.type('\u0015ada\r');
    await terminal.see('Password:');
    terminal.type('one\r');
    await terminal.see('Password (again):');
    terminal.type('two\r');
    await terminal.see("Your passwords didn't match. Try again.");
    await terminal.see('Password:');
    terminal.type('12345\r');
    await terminal.see('Password (again):');
    terminal.type('12345\r');
    await terminal.see('This password is too short.');
    await terminal.see('This password is entirely numeric.');
    await terminal.see('Bypass password validation and use it anyway?');
    terminal.type('\r');
    await terminal.see('Password:');
    terminal.type('67890\r');
    await terminal.see('Password (again):');
    terminal.type('67890\r');
    await terminal.see('Bypass password validation and use it anyway?');
    terminal.type('y\r');
    await terminal.see('Superuser created successfully.');
    t.is(await terminal.ended(), 0);
    t.like(await desk.json(['users', 'show', 'ada']), { is_superuser: true });
  },
);

for (const [name, key] of [
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
] as const) {
  terminalTest(test, `${name} at a prompt ends the command with a clean word and exit 1`, async (t) => {
    const desk = await openDesk(t);
    const terminal = openTerminal(t, desk, ['createsuperuser', '--username', 'ada', '--email', '']);
    await terminal.see('Password:');
    terminal.type(key);
    await terminal.see('Operation cancelled.');
    t.is(await terminal.ended(), 1);
    t.notRegex(terminal.screen(), /Error|\bat /);
    t.deepEqual(await desk.json(['users', 'list']), []);
  });
}

terminalTest(test, 'what destroys asks first, and does nothing without a yes', async (t) => {
  const desk = await openDesk(t);
  await desk.json(['rooms', 'create', 'friends']);
  const cautious = openTerminal(t, desk, ['rooms', 'delete', 'friends']);
  await cautious.see('Delete room friends with all its messages? This cannot be undone.');
  cautious.type('\r');
  await cautious.see('Operation cancelled.');
  t.is(await cautious.ended(), 1);
  t.like(await desk.json(['rooms', 'list']), [{ name: 'friends' }]);

  const bold = openTerminal(t, desk, ['rooms', 'delete', 'friends']);
  await bold.see('This cannot be undone.');
  bold.type('y\r');
  await bold.see('Room friends deleted, with 0 messages.');
  t.is(await bold.ended(), 0);
  t.deepEqual(await desk.json(['rooms', 'list']), []);
});

terminalTest(test, 'changepassword asks twice for another user’s password', async (t) => {
  const desk = await openDesk(t);
  await desk.json(['users', 'create', 'ada', '--password-stdin'], { input: strong });
  const terminal = openTerminal(t, desk, ['changepassword', 'ada']);
  await terminal.see('Changing the password of ada.');
  await terminal.see('Password:');
  terminal.type('another good one 7\r');
  await terminal.see('Password (again):');
  terminal.type('another good one 7\r');
  await terminal.see('Password of ada changed.');
  t.is(await terminal.ended(), 0);
});

terminalTest(test, 'setup asks for everything, and asks before it replaces what is there', async (t) => {
  const desk = await openDesk(t, { database: null });
  const first = openTerminal(t, desk, ['setup']);
  await first.see('Database:');
  first.type('\r');
  await first.see('File: (data/finchat.sqlite)');
  first.type('\r');
  await first.see('Address to listen on');
  first.type('\r');
  await first.see('Port: (8000)');
  first.type('\u0015port\r');
  await first.see('PORT must be a whole number');
  first.type('\u00158123\r');
  await first.see('Who may register?');
  first.type('\r');
  await first.see('.env written: PORT.');
  await first.see('Create a superuser now?');
  first.type('n\r');
  await first.see('Rooms to create, with commas between: (friends,family,investments)');
  first.type('\r');
  await first.see('Rooms created: friends, family, investments.');
  await first.see('http://localhost:8123');
  t.is(await first.ended(), 0);
  const path = join(desk.folder, '.env');
  t.deepEqual(parse(await readFile(path, 'utf8')), { PORT: '8123' });
  t.is((await stat(path)).mode & 0o777, 0o600);

  const second = openTerminal(t, desk, ['setup'], { HOST: '127.0.0.1' });
  await second.see('Database:');
  second.type('\r');
  await second.see('File:');
  second.type('\r');
  await second.see('HOST: 127.0.0.1 (from the environment).');
  await second.see('PORT is 8123 in .env. Keep it?');
  second.type('\r');
  await second.see('Who may register?');
  second.type('\u001B[B\r');
  await second.see('.env written: REGISTRATION.');
  await second.see('Create a superuser now?');
  second.type('\r');
  await second.see('Username:');
  second.type('\u0003');
  await second.see('Operation cancelled.');
  t.is(await second.ended(), 1);
  t.deepEqual(parse(await readFile(path, 'utf8')), { PORT: '8123', REGISTRATION: 'closed' });
});

terminalTest(test, 'setup makes a PostgreSQL address of its parts, whatever the password is made of', async (t) => {
  const desk = await openDesk(t, { database: null });
  const terminal = openTerminal(t, desk, ['setup', '--host', '127.0.0.1', '--port', '8000']);
  await terminal.see('Database:');
  terminal.type('\u001B[B\r');
  await terminal.see('PostgreSQL host: (localhost)');
  // Port 1 (tcpmux): nobody listens there, so the address is written and the migration fails.
  terminal.type('\u0015db:5432\r');
  await terminal.see('It must be an IP address or a host name');
  terminal.type('\u0015127.0.0.1\r');
  await terminal.see('PostgreSQL port: (5432)');
  terminal.type('\u00151\r');
  await terminal.see('Database name: (finchat)');
  terminal.type('\r');
  await terminal.see('User: (finchat)');
  terminal.type('\r');
  await terminal.see('Password:');
  terminal.type('p$a$$@:/#\r');
  await terminal.see('Who may register?');
  terminal.type('\r');
  await terminal.see('.env written: DATABASE_URL.');
  t.is(await terminal.ended(), 1);
  const { DATABASE_URL: url = '' } = parse(await readFile(join(desk.folder, '.env'), 'utf8'));
  t.is(decodeURIComponent(new URL(url).password), 'p$a$$@:/#');
  t.is(new URL(url).host, '127.0.0.1:1');
});
