import test from 'ava';
import { NodeSilent } from './core/cluster-ports.ts';
import { StoreError } from './core/ports.ts';
import { createLog } from './log.ts';

/** What is logged of an error. */
function logged(error: Error): Record<string, unknown> {
  let line = '';
  const log = createLog({ level: 'warn', format: 'json', destination: { write: (text) => void (line = text) } });
  log.warn({ err: error }, 'Something failed.');
  return (JSON.parse(line) as { err: Record<string, unknown> }).err;
}

test('of a store or a node that is away the log has the reason, without a stack', (t) => {
  const cause = new Error('connect ECONNREFUSED');
  t.deepEqual(logged(new StoreError('unavailable', 'The database cannot be reached.', { cause })), {
    type: 'StoreError',
    kind: 'unavailable',
    message: 'The database cannot be reached.',
  });
  t.deepEqual(logged(new NodeSilent('a')), { type: 'NodeSilent', message: 'The node a did not answer.' });
});

test('of a fault of the server the log has the stack', (t) => {
  for (const error of [new TypeError('undefined'), new StoreError('rejected', 'syntax')]) {
    t.regex(String(logged(error)['stack']), /log\.test/);
  }
});
