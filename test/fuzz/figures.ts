/** What the server says of itself on its metrics port. */
import type { ServerProcess } from '../support/server-process.ts';

export type Figures = { sessions: number; rooms: number; sockets: number; heapBytes: number; rssBytes: number };

export async function readFigures(server: ServerProcess): Promise<Figures> {
  const port = /"metricsPort":(\d+)/.exec(server.output())?.[1];
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
  const text = await response.text();
  const sum = (name: string, labels = ''): number => {
    let total = 0;
    for (const [, given = '', value] of text.matchAll(new RegExp(`^${name}(\\{[^}]*\\})? (\\S+)$`, 'gm'))) {
      if (given.includes(labels)) total += Number(value);
    }
    return total;
  };
  return {
    sessions: sum('finchat_sessions'),
    rooms: sum('finchat_rooms_live'),
    sockets: sum('nodejs_active_resources', 'TCPSocketWrap'),
    heapBytes: sum('nodejs_heap_size_used_bytes'),
    rssBytes: sum('process_resident_memory_bytes'),
  };
}
