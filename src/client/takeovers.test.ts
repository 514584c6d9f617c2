import test from 'ava';
import { Takeovers, takeoverLimits } from './takeovers.ts';

const { strayMs, disputes } = takeoverLimits;

test('a session that passed away is asked for again a few times in a row, and as often after a quiet time', (t) => {
  let ms = 0;
  const takeovers = new Takeovers(() => ms);
  for (let round = 0; round < 2; round += 1) {
    for (let times = 0; times < disputes; times += 1) t.true(takeovers.isDisputed('poll'));
    t.false(takeovers.isDisputed('poll'));
    ms += strayMs;
    t.false(takeovers.isDisputed('poll'));
    ms += strayMs + 1;
  }
});

test('but for polls, it is asked for only while an attempt that was given up may still arrive', (t) => {
  let ms = 0;
  const takeovers = new Takeovers(() => ms);
  t.false(takeovers.isDisputed('sse'));
  takeovers.onStray();
  ms += strayMs;
  t.true(takeovers.isDisputed('websocket'));
  ms += 1;
  t.false(takeovers.isDisputed('websocket'));
});
