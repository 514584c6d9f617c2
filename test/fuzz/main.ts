/** `npm run fuzz`: rounds of the session fuzzer until the time is over, or something is wrong. */
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres.ts';
import { withTeardowns } from './ground.ts';
import { createTally } from './parts.ts';
import { report } from './report.ts';
import { runRound } from './round.ts';

const help = `npm run fuzz -- [--minutes 60] [--seed N] [--clients N] [--sdk N] [--seconds N] [--database sqlite|postgres]

  --minutes   how long in all (default 1); rounds follow each other, each with the next seed
  --seed      of the first round; given, its schedule of faults and doings is the one printed with it (default: by chance)
  --clients   session clients in a round (default 12)
  --sdk       users of the SDK in a round (default 6)
  --seconds   of chaos in a round (default 40)
  --database  sqlite (default), or a PostgreSQL server that is started for it
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
      clients: { type: 'string', default: '12' },
      sdk: { type: 'string', default: '6' },
      seconds: { type: 'string', default: '40' },
      database: { type: 'string', default: 'sqlite' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const until = performance.now() + Number(values.minutes) * 60_000;
  const tally = createTally();
  for (let seed = Number(values.seed); performance.now() < until; seed += 1) {
    process.stdout.write(`seed ${seed}\n`);
    const faults = await withTeardowns(async (teardown) => {
      const postgres = values.database === 'postgres' ? await startPostgres() : undefined;
      teardown(() => postgres?.stop());
      return runRound(
        { teardown },
        {
          seed,
          seconds: Number(values.seconds),
          clients: Number(values.clients),
          sdkClients: Number(values.sdk),
          tally,
          databaseUrl: postgres?.url,
        },
      );
    });
    if (faults.length > 0) {
      process.stdout.write(
        `${report(tally)}\n${faults.join('\n')}\n\nAgain: npm run fuzz -- --seed ${seed} --clients ${values.clients} --sdk ${values.sdk} --seconds ${values.seconds}\n`,
      );
      return 1;
    }
  }
  process.stdout.write(`${report(tally)}\nAll is well.\n`);
  return 0;
}
