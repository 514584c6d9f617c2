/** Functions that run in a page: each is sent there as text, so it knows nothing but what it is given. */
import type { AxeResults, RunOptions } from 'axe-core';

/** What the Content-Security-Policy refuses is told to the test. Runs before the page's own scripts. */
export function watchPolicy(): void {
  document.addEventListener('securitypolicyviolation', (event) => {
    const { noteViolation } = globalThis as unknown as { noteViolation: (what: string) => void };
    noteViolation(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
  });
}

export function hasAxe(): boolean {
  return 'axe' in globalThis;
}

/** Waits until nothing fades or moves in any more: half-way the colours are others. */
export async function comesToRest(): Promise<void> {
  const passing = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(passing.map((one) => one.finished));
}

/** One line for each element that axe-core finds fault with. */
export async function findViolations(options: RunOptions): Promise<string[]> {
  const { axe } = globalThis as unknown as { axe: { run(on: Document, how: RunOptions): Promise<AxeResults> } };
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      (node) =>
        `${id} (${help}): ${node.html.slice(0, 200)} ${[...node.any, ...node.all].map((it) => it.message).join('; ')}`,
    ),
  );
}
