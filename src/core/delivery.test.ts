import test from 'ava';
import { limits } from '../protocol/limits.ts';
import { Delivery } from './delivery.ts';

test('what waits for the end of the turn takes room of the answers to come', (t) => {
  const delivery = new Delivery(undefined);
  const answer = { bytes: Buffer.alloc(limits.historyBytes) };
  let answers = 0;
  while (answers < 100 && delivery.hasRoomFor(limits.historyBytes)) {
    delivery.push([answer]);
    answers += 1;
  }
  t.is(answers, Math.floor(limits.unwrittenBytes / limits.historyBytes));
});
