import test from 'ava';
import { readProjectFile, tableRows } from '../../test/docs/markdown.ts';
import { quoteFailures } from './provider.ts';

test('docs/BOT.md lists every reason with the words that people read', (t) => {
  t.deepEqual(tableRows(readProjectFile('docs/BOT.md'), 'reason'), Object.entries(quoteFailures));
});
