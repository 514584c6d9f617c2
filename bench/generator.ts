/**
 * The load generator's process: one plan in, one result out, over the channel to its parent. In between it may ask for
 * another start of the server.
 */
import { once } from 'node:events';
import { runJoins } from './herd-joins.ts';
import { runReturns } from './herd-returns.ts';
import { runIdle } from './idle.ts';
import { runLoad } from './load.ts';
import type { Answer, Plan, Result, ServerNode } from './plan.ts';

function answer(message: Answer): void {
  process.send?.(message, undefined, {}, () => process.disconnect());
}

async function askForRestart(): Promise<ServerNode> {
  const told = once(process, 'message');
  process.send?.({ ask: 'restart' } satisfies Answer);
  const [node] = (await told) as [ServerNode];
  return node;
}

function run(plan: Plan): Promise<Result> {
  switch (plan.kind) {
    case 'load':
      return runLoad(plan);
    case 'idle':
      return runIdle(plan);
    case 'joins':
      return runJoins(plan);
    default:
      return runReturns(plan, askForRestart);
  }
}

// Its parent is gone, or has the answer.
process.once('disconnect', () => process.exit());

process.once('message', (plan: Plan) => {
  run(plan).then(
    (result) => answer({ result }),
    (error: unknown) => answer({ failure: error instanceof Error ? error.message : String(error) }),
  );
});
