import test from 'ava';
import { isoOfLocal, localOfIso } from './local-time.ts';

test('a local time and its ISO form are the same instant', (t) => {
  for (const local of ['2026-01-31T09:05', '2026-07-01T23:59', '2026-12-31T00:00']) {
    const iso = isoOfLocal(local);
    t.is(new Date(local).getTime(), new Date(iso).getTime());
    t.true(iso.endsWith('Z'));
    t.is(localOfIso(iso), local);
  }
});

test('what is no time is none', (t) => {
  for (const text of ['', 'yesterday', '2026-13-40T99:99']) {
    t.is(isoOfLocal(text), '');
    t.is(localOfIso(text), '');
  }
});
