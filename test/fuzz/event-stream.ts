/** Reads `text/event-stream` as https://html.spec.whatwg.org/multipage/server-sent-events.html says, as far as the chat uses it. */
import type { Readable } from 'node:stream';

/** `id`: only when this event had one. */
export type StreamEvent = { id: string | undefined; data: string };

/** Calls `onEvent` for each whole event; what a cut leaves unfinished is no event. */
export function readEvents(stream: Readable, onEvent: (event: StreamEvent) => void): void {
  let rest = '';
  let id: string | undefined;
  let data: string[] = [];
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*?)\r?$/.exec(line) ?? [];
      if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
      else if (line.trim() === '') {
        if (data.length > 0) onEvent({ id, data: data.join('\n') });
        id = undefined;
        data = [];
      }
    }
  });
}
