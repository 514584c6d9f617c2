/** A local HTTP server in the place of a quote source; it answers as the test tells it and counts what it was asked. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export type QuoteServer = {
  /** Base URL without a slash at its end. */
  readonly url: string;
  /** Path and query of each request, in order. */
  readonly requests: string[];
  answer(listener: RequestListener): void;
  close(): Promise<void>;
};

export async function openQuoteServer(listener: RequestListener = stooqAnswer()): Promise<QuoteServer> {
  let current = listener;
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    current(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer(listener) {
      current = listener;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers each request with this text. */
export function says(status: number, body: string, headers: Record<string, string> = {}): RequestListener {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

/** Answers as stooq does: a line of CSV for the symbol asked for, with N/D for those without a price here. */
export function stooqAnswer(prices: Readonly<Record<string, string>> = { 'AAPL.US': '189.98' }): RequestListener {
  return (request, response) => {
    const symbol = new URL(request.url ?? '', 'http://stooq').searchParams.get('s')?.toUpperCase() ?? '';
    response.writeHead(200, { 'content-type': 'text/csv' });
    response.end(stooqCsv(symbol, prices[symbol]));
  };
}

export function stooqCsv(symbol: string, close: string | undefined): string {
  const header = 'Symbol,Date,Time,Open,High,Low,Close,Volume\r\n';
  if (close === undefined) return `${header}${symbol},N/D,N/D,N/D,N/D,N/D,N/D,N/D\r\n`;
  return `${header}${symbol},2024-05-29,22:00:17,189.61,192.247,189.51,${close},53068016\r\n`;
}
