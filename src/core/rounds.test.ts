import test from 'ava';
import { Rounds } from './rounds.ts';

function openRounds(count: number) {
  let now = 1_000_000;
  const rounds = new Rounds({ now: () => now });
  const all = new Map(Array.from({ length: count }, (_, id) => [id, undefined]));
  return {
    rounds,
    all,
    pass: (ms: number): void => {
      now += ms;
    },
    look: (): number[] => {
      const turn = rounds.next(all);
      rounds.done();
      return turn;
    },
  };
}

test('everything has its turn once in ten seconds, in parts', (t) => {
  const { all, pass, look } = openRounds(10_000);
  pass(9_500);
  for (let round = 0; round < 3; round += 1) {
    const seen: number[] = [];
    for (let looks = 0; looks < 20; looks += 1) {
      pass(500);
      const turn = look();
      t.true(turn.length < 1_000);
      seen.push(...turn);
    }
    t.deepEqual(
      seen.toSorted((a, b) => a - b),
      Array.from(all.keys()),
    );
  }
});

test('few are looked at together', (t) => {
  const { pass, look } = openRounds(300);
  let looks = 0;
  for (let n = 0; n < 40; n += 1) {
    pass(500);
    if (look().length > 0) looks += 1;
  }
  t.is(looks, 2);
});

test('who was not looked at has the turn again, and what is not there any more has none', (t) => {
  const { rounds, all, pass, look } = openRounds(1_200);
  pass(10_000);
  const first = rounds.next(all);
  t.deepEqual(rounds.next(all), first);
  all.delete(first[0] ?? -1);
  t.deepEqual(look(), first.slice(1));
  t.is(look()[0], first.length);
});

test('a clock that was set back does not put a round off', (t) => {
  const { pass, look } = openRounds(1);
  pass(-3_600_000);
  t.deepEqual(look(), [0]);
});
