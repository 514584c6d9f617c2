import test from 'ava';
import { Audience, type Listener } from './audience.ts';
import type { EncodedFrame } from './transport.ts';

const frame = (text: string): EncodedFrame => ({ bytes: Buffer.from(text) });

test('who has said something is handed its own frame before the others hear of it, and nobody twice', (t) => {
  const handed: string[] = [];
  const listener = (userId: number): Listener => ({
    userId,
    push: (frames) => void handed.push(`${userId}: ${frames.map(({ bytes }) => bytes.toString()).join()}`),
    flush() {},
  });
  const turn = { addRoom() {}, addSession() {} };
  const audience = new Audience({ turn, onDelivered() {}, onMembers: undefined });
  const [one, two, three] = [listener(1), listener(2), listener(3)];
  for (const member of [one, two, three]) audience.add(member);
  audience.post(frame('first'), three, [frame('own')]);
  audience.post(frame('of nobody'));
  audience.post(frame('of one who has left'), listener(4));
  audience.flush();
  t.deepEqual(handed, [
    '3: own,of nobody,of one who has left',
    '1: first,of nobody,of one who has left',
    '2: first,of nobody,of one who has left',
  ]);
});
