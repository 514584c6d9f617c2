/** What nodes must not log, whatever is done to what they need. */

/** A database that is away, or broke off in the middle: each request that meets it says so. */
const databaseAway = /"err":\{"type":"StoreError"/;
/** A node that was marked dead has to say so: an operator should ask why. */
const markedDead = /"msg":"The other nodes have marked this one dead/;
/** Of a line, for whoever reads why a round failed: the rest is in the node's log. */
const shownLength = 500;

/**
 * Lines of the log at the levels error and fatal, and whatever is no line of the log. `isDatabaseBroken`: it was, at some
 * time, for this node.
 */
export function unexpectedLines(output: string, isDatabaseBroken: boolean): string[] {
  return output
    .split('\n')
    .filter((line) => line !== '' && (!line.startsWith('{') || /"level":(50|60|"error"|"fatal")/.test(line)))
    .filter((line) => !markedDead.test(line))
    .filter((line) => !(isDatabaseBroken && databaseAway.test(line)))
    .map((line) => `${/"msg":"[^"]*"/.exec(line)?.[0] ?? ''} ${line.slice(0, shownLength)}`);
}
