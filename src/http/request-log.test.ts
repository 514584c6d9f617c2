import test from 'ava';
import { redactUrl } from './request-log.ts';

test('a token in an address is never logged, however its name is written', (t) => {
  for (const url of [
    '/ws/chat?token=geheim&x=1',
    '/ws/chat?x=1&TOKEN=geheim',
    '/ws/chat?x=1&%74oken=geheim',
    '/a?token=1&token=geheim',
    // Addresses that were put together wrong.
    '/poll/chat?wait=5;token=geheim',
    '/sse/chat?takeover=1?token=geheim',
    '/sse/chat?token%3Dgeheim',
    '/sse/chat%3Ftoken=geheim',
    '/sse/chat&token=geheim?x=1',
  ]) {
    const redacted = redactUrl(url);
    t.false(redacted.includes('geheim'), redacted);
    t.true(redacted.includes('redacted'), redacted);
  }
  t.is(redactUrl('/rooms/a/messages?before=5'), '/rooms/a/messages?before=5');
  t.is(redactUrl('/rooms'), '/rooms');
});
