/**
 * Chaos over a cluster of processes, for half a minute with a seed by chance. A failure prints the seed and the command
 * that runs it again; CHAOS_SEED in the environment fixes it. By hand and for longer: `npm run chaos -- --help`.
 */
import test from 'ava';
import { createTally } from '../fuzz/parts.ts';
import { report } from '../fuzz/report.ts';
import { whyNoCluster } from '../support/cluster-processes.ts';
import { programTest } from '../support/services.ts';
import { runChaos } from './chaos-round.ts';

const sizes = { nodes: 3, clients: 6, sdkClients: 3, seconds: 30 };

programTest(
  test,
  whyNoCluster(),
  'three nodes lose and double nothing and agree in the end, whatever befalls them, PostgreSQL and Redis',
  async (t) => {
    // The chaos, its last healing and the peace after it, on a machine that has other things to do.
    t.timeout(240_000);
    const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e9));
    t.log(`CHAOS_SEED=${seed}`);
    const tally = createTally();
    const faults = await runChaos(t, { seed, ...sizes, tally, print: (text) => t.log(text) });
    const { nodes, clients, sdkClients, seconds } = sizes;
    const again = `npm run chaos -- --seed ${seed} --nodes ${nodes} --clients ${clients} --sdk ${sdkClients} --seconds ${seconds}`;
    t.deepEqual(faults, [], `${again}\n${faults.join('\n')}\n${report(tally)}`);
  },
);
