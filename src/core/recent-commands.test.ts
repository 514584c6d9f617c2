import test from 'ava';
import { RecentCommands } from './recent-commands.ts';
import type { RelayedCommand } from './room-channel.ts';

function command(name: string): RelayedCommand {
  return { userId: 1, username: 'u', command: name, payload: '-', createdAt: 0 };
}

const names = (commands: readonly RelayedCommand[]): string[] => commands.map((one) => one.command);

test('whoever has seen some of the commands gets the others, in their order', (t) => {
  const commands = new RecentCommands();
  for (const [node, n] of [
    ['a', 1],
    ['b', 7],
    ['a', 2],
    ['b', 9],
  ] as const) {
    t.true(commands.add(node, n, command(`${node}${n}`), 0));
  }
  t.deepEqual(
    names(
      commands.since([
        ['a', 1],
        ['b', 7],
      ]),
    ),
    ['a2', 'b9'],
  );
  t.deepEqual(names(commands.since([['a', 2]])), ['b7', 'b9']);
  t.deepEqual(commands.since(commands.seen()), []);
});

test('a command is shown once, and none that was before the time of whoever looks', (t) => {
  const commands = new RecentCommands();
  commands.noteSeen('a', 5);
  t.false(commands.add('a', 5, command('old'), 0));
  t.true(commands.add('a', 6, command('new'), 0));
  t.false(commands.add('a', 6, command('new'), 0));
  t.deepEqual(names(commands.since([])), ['new']);
});

test('commands are forgotten after some seconds, and beyond a number; how far they were seen is not', (t) => {
  const commands = new RecentCommands();
  commands.add('a', 1, command('1'), 0);
  commands.add('a', 2, command('2'), 10_000);
  commands.add('a', 3, command('3'), 16_000);
  t.deepEqual(names(commands.since([])), ['2', '3']);
  for (let n = 4; n <= 600; n += 1) commands.add('a', n, command(String(n)), 16_000);
  t.deepEqual([commands.since([]).length, commands.since([])[0]?.command], [500, '101']);
  t.deepEqual(commands.seen(), [['a', 600]]);
});
