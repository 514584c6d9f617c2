import test from 'ava';
import { RecentCommands } from './recent-commands.ts';
import type { RelayedCommand } from './room-channel.ts';

function command(name: string): RelayedCommand {
  return { userId: 1, username: 'u', command: name, payload: '-', createdAt: 0 };
}

/** Whoever looks was there from the beginning. */
const always = Number.NEGATIVE_INFINITY;

const names = (commands: readonly RelayedCommand[]): string[] => commands.map((one) => one.command);

test('whoever has seen some of the commands gets the others, in their order', (t) => {
  const commands = new RecentCommands(0);
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
      commands.since(
        [
          ['a', 1],
          ['b', 7],
        ],
        always,
      ),
    ),
    ['a2', 'b9'],
  );
  t.deepEqual(names(commands.since([['a', 2]], always)), ['b7', 'b9']);
  t.deepEqual(commands.since(commands.seen(), always), []);
});

test('a command is shown once, and none that was before the time of whoever looks', (t) => {
  const commands = new RecentCommands(0);
  commands.noteSeen('a', 5);
  t.false(commands.add('a', 5, command('old'), 0));
  t.true(commands.add('a', 6, command('new'), 0));
  t.false(commands.add('a', 6, command('new'), 0));
  t.deepEqual(names(commands.since([], always)), ['new']);
});

test('commands are forgotten after some seconds, and beyond a number; how far they were seen is not', (t) => {
  const commands = new RecentCommands(0);
  commands.add('a', 1, command('1'), 0);
  commands.add('a', 2, command('2'), 10_000);
  commands.add('a', 3, command('3'), 16_000);
  t.deepEqual(names(commands.since([], always)), ['2', '3']);
  for (let n = 4; n <= 600; n += 1) commands.add('a', n, command(String(n)), 16_000);
  t.deepEqual([commands.since([], always).length, commands.since([], always)[0]?.command], [500, '101']);
  t.deepEqual(commands.seen(), [['a', 600]]);
});

test('what a node has said that was never heard of counts from the time when it would have been', (t) => {
  const commands = new RecentCommands(1000);
  commands.add('a', 1, command('before'), 2000);
  commands.add('b', 1, command('known'), 2500);
  commands.add('a', 2, command('after'), 3000);
  t.deepEqual(names(commands.since([['b', 0]], 2000)), ['known', 'after']);
  t.is(commands.heardForMs(4000), 3000);
});
