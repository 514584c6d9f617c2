import test from 'ava';
import { createMetrics } from '../../src/http/metrics.ts';
import { readProjectFile, tableRows } from './markdown.ts';

test('the metrics of a node in OPERATIONS.md are those of the code, and a server that is alone has none of them', async (t) => {
  const namesOf = async (isNode: boolean): Promise<string[]> => {
    const { registry } = createMetrics(isNode);
    const metrics = await registry.getMetricsAsJSON();
    return metrics.map(({ name }) => name);
  };
  const alone = new Set(await namesOf(false));
  const ofNodes = (await namesOf(true)).filter((name) => !alone.has(name));
  const documented = tableRows(readProjectFile('docs/OPERATIONS.md'), 'metric').map(([cell = '']) =>
    cell.replace(/^`?(\w+).*/, '$1'),
  );
  t.deepEqual(documented.toSorted(), ofNodes.toSorted());
});
