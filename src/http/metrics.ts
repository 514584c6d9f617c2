/**
 * What Prometheus reads, on a port of its own that need not be reachable from outside. Metrics are made by a function,
 * not kept in the library's global registry, so that several servers fit into one process.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RequestMetrics } from './dependencies.ts';
import { listenError } from './listener.ts';

/** The server's figures. Whoever does the work counts it; labels have few values, never names or paths. */
export type Metrics = {
  registry: Registry;
  /** Sessions now, by transport; `detached` are those that wait for their client. */
  sessions: Gauge<'transport'>;
  /** Rooms with members on this node now. */
  rooms: Gauge;
  messagesStored: Counter;
  /** Frames handed to connections. */
  deliveries: Counter;
  /** Connections that came with a cursor, by whether their session went on. */
  resumes: Counter<'outcome'>;
  /** `error` and `fatal` frames sent, by code. */
  errors: Counter<'code'>;
  /** Messages in one commit. */
  commitBatchSize: Histogram;
  commitSeconds: Histogram;
  /** Undefined on a server that is alone. */
  cluster?: ClusterMetrics;
  http: RequestMetrics;
};

export type ClusterMetrics = {
  /** Nodes that live, as far as this one knows. */
  nodes: Gauge;
  /** 1: what other nodes publish arrives here within about a second. */
  busHealthy: Gauge;
  /** What was published, by whether it was handed on for certain; and what was heard. */
  published: Counter<'outcome'>;
  heard: Counter;
  /** Questions to other nodes. */
  questions: Counter<'outcome'>;
  /** Sessions of other nodes whose clients came here. */
  moves: Counter<'outcome'>;
  /** Messages and events that wait for messages before them. */
  waiting: Gauge;
  /** How often this process was marked dead. */
  fenced: Counter;
};

// A batch holds from one message to the log's thousands; a commit takes from a tenth of a millisecond to its deadline.
const batchBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];
const commitBuckets = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];
// A password's hash takes some 200 ms, everything else a few.
const requestBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 20];

/** `isNode`: of a cluster. */
export function createMetrics(isNode = false): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
    new Counter({ name, help, labelNames, registers });
  const requests = counter('finchat_http_requests_total', 'HTTP requests answered.', ['method', 'route', 'status']);
  const requestSeconds = new Histogram({
    name: 'finchat_http_request_seconds',
    help: 'Time to answer an HTTP request.',
    labelNames: ['route'],
    buckets: requestBuckets,
    registers,
  });
  return {
    registry,
    sessions: new Gauge({
      name: 'finchat_sessions',
      help: 'Sessions in the chat now.',
      labelNames: ['transport'],
      registers,
    }),
    rooms: new Gauge({ name: 'finchat_rooms_live', help: 'Rooms with members on this node now.', registers }),
    messagesStored: counter('finchat_messages_stored_total', 'Messages stored.'),
    deliveries: counter('finchat_deliveries_total', 'Frames handed to connections.'),
    resumes: counter('finchat_resumes_total', 'Connections that came with a cursor.', ['outcome']),
    errors: counter('finchat_errors_total', 'Error and fatal frames sent.', ['code']),
    commitBatchSize: new Histogram({
      name: 'finchat_commit_batch_messages',
      help: 'Messages in one commit.',
      buckets: batchBuckets,
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'finchat_commit_seconds',
      help: 'Time of one commit.',
      buckets: commitBuckets,
      registers,
    }),
    ...(isNode ? { cluster: createClusterMetrics(registers) } : {}),
    http: {
      observe({ method, route, status, seconds }) {
        requests.inc({ method, route, status: String(status) });
        if (seconds !== undefined) requestSeconds.observe({ route }, seconds);
      },
    },
  };
}

function createClusterMetrics(registers: Registry[]): ClusterMetrics {
  const counter = <L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  return {
    nodes: gauge('finchat_nodes', 'Nodes of the cluster that live, as far as this one knows.'),
    busHealthy: gauge('finchat_bus_healthy', '1: what other nodes publish arrives within about a second.'),
    published: counter('finchat_bus_published_total', 'What this node has published.', ['outcome']),
    heard: counter('finchat_bus_heard_total', 'What this node has heard, its own words among it.'),
    questions: counter('finchat_node_questions_total', 'Questions to other nodes.', ['outcome']),
    moves: counter('finchat_session_moves_total', 'Sessions of other nodes whose clients came here.', ['outcome']),
    waiting: gauge('finchat_room_events_waiting', 'Messages and events that wait for messages before them.'),
    fenced: counter('finchat_fenced_total', 'How often the other nodes have marked this one dead.'),
  };
}

export type MetricsServer = {
  /** The port it listens on. */
  port: number;
  close(): Promise<void>;
};

/** Serves `GET /metrics` and nothing else. Rejects when the address cannot be listened on. */
export async function openMetricsServer(options: {
  host: string;
  port: number;
  registry: Registry;
  /** Runs before each reading, to bring gauges up to date. */
  sample?: () => void;
}): Promise<MetricsServer> {
  const { registry, sample } = options;
  const server = createServer((request, response) => {
    const isMetrics = request.url?.split('?')[0]?.replace(/(?<=.)\/$/, '') === '/metrics';
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const refuse = (status: number, detail: string, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', ...headers });
      response.end(JSON.stringify({ detail }));
    };
    if (!isMetrics) refuse(404, 'Not found.');
    else if (!isRead) refuse(405, `Method "${request.method}" not allowed.`, { Allow: 'GET, HEAD' });
    else {
      sample?.();
      registry.metrics().then(
        (text) => {
          response.writeHead(200, { 'Content-Type': registry.contentType });
          response.end(text);
        },
        () => refuse(500, 'The metrics could not be collected.'),
      );
    }
  });
  await new Promise<void>((resolve, reject) => {
    const refuseToStart = (error: Error): void =>
      reject(listenError(error, options, { host: 'METRICS_HOST', port: 'METRICS_PORT' }));
    server.once('error', refuseToStart);
    server.listen(options.port, options.host, () => {
      server.off('error', refuseToStart);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}
