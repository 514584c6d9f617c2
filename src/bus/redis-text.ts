/**
 * The text of a publication: `<publisher> <connection> <JSON>`. A Redis that stood still still reads what came over a
 * connection that was given up meanwhile, perhaps after what came over the next: what is older than the newest
 * connection that was heard of is dropped, so that order holds.
 */

/** Publishers remembered: more nodes than can be. Those whose newest connection was heard of longest ago go first. */
const maxPublishers = 10_000;

const form = /^(\S{1,40}) (\d{1,15}) /;

export function encodeText(publisher: string, connection: number, value: object): string {
  return `${publisher} ${connection} ${JSON.stringify(value)}`;
}

export type TextReader = (text: string) => { value: unknown } | 'garbage' | 'overtaken';

export function createTextReader(): TextReader {
  const newest = new Map<string, number>();
  return (text) => {
    const [head = '', publisher = '', digits] = form.exec(text) ?? [];
    const value = head === '' ? undefined : parse(text.slice(head.length));
    if (value === undefined) return 'garbage';
    const connection = Number(digits);
    const known = newest.get(publisher) ?? 0;
    if (connection < known) return 'overtaken';
    if (connection > known) {
      newest.delete(publisher);
      newest.set(publisher, connection);
      for (const oldest of newest.keys()) {
        if (newest.size <= maxPublishers) break;
        newest.delete(oldest);
      }
    }
    return { value };
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
