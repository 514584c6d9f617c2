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
const roundsMax = 6;

test('no message is lost, doubled or out of order, whatever a proxy does to sessions and their requests', async (t) => {
  // From one assertion to the next: a round with its peace, on a machine that has other things to do.
  t.timeout(200_000);
  const first = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 1e9));
  t.log(`FUZZ_SEED=${first}`);
  const tally = createTally();
  // An even seed and an odd one: with the usual outbox, and with one that fills up. More only where a slow machine has not
  // met everything by then.
  for (let n = 0; n < 2 || (n < roundsMax && missing(tally).length > 0); n += 1) {
    const seed = first + n;
    const faults = await runRound(t, { seed, seconds, clients, sdkClients, tally });
    const again = `npm run fuzz -- --seed ${seed} --clients ${clients} --sdk ${sdkClients} --seconds ${seconds}`;
    t.deepEqual(faults, [], `${again}\n${faults.join('\n')}\n${report(tally)}`);
  }
  t.deepEqual(missing(tally), [], report(tally));
});
