/** The load generator's process: one plan in, one result out, over the channel to its parent. */
import { runIdle } from './idle.ts';
import { runLoad } from './load.ts';
import type { Answer, Plan } from './plan.ts';

function answer(message: Answer): void {
  process.send?.(message, undefined, {}, () => process.disconnect());
}

// Its parent is gone, or has the answer.
process.once('disconnect', () => process.exit());

process.once('message', (plan: Plan) => {
  const running = plan.kind === 'load' ? runLoad(plan) : runIdle(plan);
  running.then(
    (result) => answer({ result }),
    (error: unknown) => answer({ failure: error instanceof Error ? error.message : String(error) }),
  );
});
