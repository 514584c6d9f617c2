/**
 * npm run bench: starts each contestant in turn, has the generator drive it, prints tables and one JSON object. It
 * measures and holds against targets; it fails only where it could not measure.
 */
import { runCosts } from './costs.ts';
import { help, readOptions } from './options.ts';
import { stopAll } from './processes.ts';
import { runSuite } from './suite.ts';

// What waits for a child fails then, and cleans up on its way out.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopAll);

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') console.log(help);
  else if ('costs' in options) await runCosts(options.costs);
  else if (!(await runSuite(options))) process.exitCode = 1;
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
