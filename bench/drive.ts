/** A server for the time of one run, and the generator beside it. */
import { fileURLToPath } from 'node:url';
import type { Contestant, NodeFlags, RunningServer } from './contestant.ts';
import type { Answer, Plan, Result, ServerNode } from './plan.ts';
import { generatorCore, startNode } from './processes.ts';

// Beside the measured time: opening, joining, draining, each with deadlines of its own. Opening takes a millisecond or
// less on a machine that has time for it.
export const patienceMs = 120_000;
export const patienceMsPerMember = 20;

export async function withServer<T>(
  contestant: Contestant,
  flags: NodeFlags | undefined,
  use: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const server = await contestant.start(flags);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/**
 * Has the generator, a process of its own, carry out a plan. `restart`: what it may ask for meanwhile. When this rejects,
 * the generator has ended: what is left of it would be in the next run's way.
 */
export function generate(
  plan: Plan,
  deadlineMs: number,
  restart: () => Promise<ServerNode> = () => Promise.reject(new Error('This server is not to be restarted.')),
): Promise<Result> {
  const script = fileURLToPath(new URL('./generator.js', import.meta.url));
  const child = startNode(generatorCore, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise<Result>((resolve, reject) => {
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure ??= error;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => fail(new Error(`The generator was not done within ${deadlineMs} ms.`)), deadlineMs);
    child.on('message', (answer: Answer) => {
      if ('result' in answer) resolve(answer.result);
      else if ('ask' in answer) restart().then((node) => child.connected && child.send(node), fail);
      else fail(new Error(answer.failure));
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(failure ?? new Error(`The generator ended with ${code} and no result.`));
    });
    child.send(plan);
  });
}
