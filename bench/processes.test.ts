import { readFile } from 'node:fs/promises';
import test from 'ava';
import { programTest, until } from '../test/support/services.ts';
import { generatorCore, isPinned, serverCore, startNode, stop } from './processes.ts';

const missing = isPinned ? undefined : 'no second core, or no taskset';

programTest(test, missing, 'server and generator have a core each, where there are two, and taskset', async (t) => {
  for (const core of [serverCore, generatorCore]) {
    const child = startNode(core, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    t.teardown(() => stop(child));
    // Taskset becomes the program.
    const cores = await until(10_000, async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      if (status.startsWith('Name:\ttaskset')) throw new Error('It is taskset still.');
      return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
    });
    t.is(cores, String(core));
  }
});
