import test from 'ava';
import { createRecord } from './record.ts';

function newRecord() {
  const asked: { answer: (item: string) => void; fail: (error: Error) => void; signal: AbortSignal | undefined }[] = [];
  const record = createRecord<string>(
    ({ signal }) => new Promise((answer, fail) => asked.push({ answer, fail, signal })),
  );
  return { record, asked };
}

test('a record is read, and what failed later leaves it', async (t) => {
  const { record, asked } = newRecord();
  const first = record.read();
  t.true(record.isReading.value);
  asked[0]?.answer('one');
  await first;
  t.is(record.item.value, 'one');
  t.false(record.isReading.value);
  const second = record.read();
  asked[1]?.fail(new Error('away'));
  await second;
  t.is(record.item.value, 'one');
  t.is((record.fault.value as Error).message, 'away');
});

test('what an act answered wins over a reading that began before it', async (t) => {
  const { record, asked } = newRecord();
  const reading = record.read();
  record.replace('new');
  t.true(asked[0]?.signal?.aborted);
  asked[0]?.answer('old');
  await reading;
  t.is(record.item.value, 'new');
  t.false(record.isReading.value);
});

test('a record that was closed changes no more', async (t) => {
  const { record, asked } = newRecord();
  const reading = record.read();
  record.close();
  asked[0]?.answer('late');
  await reading;
  t.is(record.item.value, undefined);
});
