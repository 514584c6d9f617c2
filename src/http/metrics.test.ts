import test from 'ava';
import { createMetrics, openMetricsServer } from './metrics.ts';

test('the figures are served on a port of their own, and nothing else is', async (t) => {
  const metrics = createMetrics();
  metrics.sessions.set({ transport: 'websocket' }, 3);
  metrics.errors.inc({ code: 'room:invalid' });
  metrics.http.observe({ method: 'GET', route: '/rooms', status: 200, seconds: 0.002 });
  const server = await openMetricsServer({ host: '127.0.0.1', port: 0, registry: metrics.registry });
  t.teardown(() => server.close());
  const base = `http://127.0.0.1:${server.port}`;

  const answer = await fetch(`${base}/metrics`);
  const text = await answer.text();
  t.is(answer.status, 200);
  t.regex(answer.headers.get('content-type') ?? '', /^text\/plain/);
  for (const line of [
    'finchat_sessions{transport="websocket"} 3',
    'finchat_errors_total{code="room:invalid"} 1',
    'finchat_http_requests_total{method="GET",route="/rooms",status="200"} 1',
    'finchat_messages_stored_total 0',
    'process_cpu_seconds_total',
  ]) {
    t.true(text.includes(line), line);
  }

  const other = await fetch(base);
  t.is(other.status, 404);
  t.deepEqual(await other.json(), { detail: 'Not found.' });
  const wrong = await fetch(`${base}/metrics`, { method: 'POST' });
  t.is(wrong.status, 405);
  t.is(wrong.headers.get('allow'), 'GET, HEAD');
});

test('two servers in one process count apart', async (t) => {
  const first = createMetrics();
  const second = createMetrics();
  first.messagesStored.inc(5);
  t.true((await second.registry.metrics()).includes('finchat_messages_stored_total 0'));
});
