/**
 * The session fuzzer for a minute, with a seed by chance. A failure prints the seed and the command that runs it again;
 * FUZZ_SEED in the environment fixes it. By hand and for longer: `npm run fuzz -- --help`.
 */
import test from 'ava';
import { createTally } from './parts.ts';
import { missing, report } from './report.ts';
import { runRound } from './round.ts';

const clients = 12;
const sdkClients = 4;
const seconds = 20;

test('no message is lost, doubled or out of order, whatever a proxy does to sessions and their requests', async (t) => {
  // Two rounds with their peace, and room for a machine that has other things to do.
  t.timeout(240_000);
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 1e9));
  t.log(`FUZZ_SEED=${seed}`);
  const tally = createTally();
  // One of them even, one odd: with the usual outbox, and with one that fills up.
  for (const of of [seed, seed + 1]) {
    const faults = await runRound(t, { seed: of, seconds, clients, sdkClients, tally });
    const again = `npm run fuzz -- --seed ${of} --clients ${clients} --sdk ${sdkClients} --seconds ${seconds}`;
    t.deepEqual(faults, [], `${again}\n${faults.join('\n')}\n${report(tally)}`);
  }
  t.deepEqual(missing(tally), [], report(tally));
});
