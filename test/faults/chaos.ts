/** `npm run chaos`: rounds of chaos over a cluster of processes until the time is over, or something is wrong. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withTeardowns } from '../fuzz/ground.ts';
import { createTally } from '../fuzz/parts.ts';
import { report } from '../fuzz/report.ts';
import { whyNoCluster } from '../support/cluster-processes.ts';
import { runChaos } from './chaos-round.ts';

const help = `npm run chaos -- [--minutes 60] [--seed N] [--nodes N] [--clients N] [--sdk N] [--seconds N]

  --minutes  how long in all (default 5); rounds follow each other, each with the next seed and a cluster of its own
  --seed     of the first round: it decides what befalls the cluster, and what the clients do (default: by chance)
  --nodes    server processes (default 3)
  --clients  session clients (default 8)
  --sdk      users of the SDK (default 4)
  --seconds  of chaos in a round (default 120)

Needs PostgreSQL and redis-server on this machine; both are started for each round, on private ports.
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
      nodes: { type: 'string', default: '3' },
      clients: { type: 'string', default: '8' },
      sdk: { type: 'string', default: '4' },
      seconds: { type: 'string', default: '120' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const missing = whyNoCluster();
  if (missing !== undefined) {
    process.stderr.write(`${missing}\n`);
    return 1;
  }
  const until = performance.now() + Number(values.minutes) * 60_000;
  const tally = createTally();
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const { nodes, clients, sdk, seconds } = values;
  for (let seed = Number(values.seed); performance.now() < until; seed += 1) {
    print(`seed ${seed}`);
    const sizes = { seconds: Number(seconds), nodes: Number(nodes), clients: Number(clients), sdkClients: Number(sdk) };
    let folder: string | undefined;
    const keep = (name: string, text: string): void => {
      folder ??= mkdtempSync(join(tmpdir(), `finchat-chaos-${seed}-`));
      writeFileSync(join(folder, name), text);
    };
    const faults = await withTeardowns((teardown) => runChaos({ teardown }, { seed, ...sizes, tally, print, keep }));
    if (faults.length > 0) {
      const again = `npm run chaos -- --seed ${seed} --nodes ${nodes} --clients ${clients} --sdk ${sdk} --seconds ${seconds}`;
      print(`${report(tally)}\n${faults.join('\n')}\n\nLogs: ${folder}\nAgain: ${again}`);
      return 1;
    }
  }
  print(`${report(tally)}\nAll is well.`);
  return 0;
}
