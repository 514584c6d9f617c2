/** Reads `text/event-stream` as browsers do (WHATWG HTML, "Parsing an event stream"), and keeps what they throw away. */

export type StreamEvent = {
  /** The `id` field of this very event; undefined when it has none. */
  id: string | undefined;
  /** `message` where the stream names none. */
  type: string;
  data: string;
};

export type EventStreamReader = {
  /** What the last `id` said: a browser sends it when it reconnects. */
  readonly lastEventId: string;
  /** Milliseconds of the last `retry`. */
  readonly retryMs: number | undefined;
  /** Comments, without their colon. */
  readonly comments: readonly string[];
  read(chunk: Buffer): void;
};

/** `onEvent` gets each event at its blank line; one that the stream's end cuts off is dropped. */
export function createEventStreamReader(
  onEvent: (event: StreamEvent) => void,
  onComment: () => void = () => {},
): EventStreamReader {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const comments: string[] = [];
  let rest = '';
  let lastEventId = '';
  let retryMs: number | undefined;
  let data: string[] = [];
  let type = '';
  let id: string | undefined;

  function dispatch(): void {
    const event = { id, type: type === '' ? 'message' : type, data: data.join('\n') };
    const isEmpty = data.length === 0;
    data = [];
    type = '';
    id = undefined;
    if (!isEmpty) onEvent(event);
  }

  function readLine(line: string): void {
    if (line === '') return dispatch();
    if (line.startsWith(':')) {
      comments.push(line.slice(1));
      return onComment();
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
    else if (field === 'id' && !value.includes('\0')) {
      id = value;
      lastEventId = value;
    } else if (field === 'retry' && /^\d+$/.test(value)) retryMs = Number(value);
  }

  return {
    get lastEventId() {
      return lastEventId;
    },
    get retryMs() {
      return retryMs;
    },
    comments,
    read(chunk) {
      rest += decoder.decode(chunk, { stream: true });
      // A carriage return at the end may be half of a line's end.
      const end = /(?:\r\n|\n|\r(?!$))/;
      for (let found = end.exec(rest); found !== null; found = end.exec(rest)) {
        const line = rest.slice(0, found.index);
        rest = rest.slice(found.index + found[0].length);
        readLine(line);
      }
    },
  };
}
