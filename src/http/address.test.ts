import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import test from 'ava';
import { createClientAddress, networkOf } from './address.ts';

function request(remoteAddress: string, forwardedFor?: string): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
  const message = new IncomingMessage(socket);
  if (forwardedFor !== undefined) message.headers['x-forwarded-for'] = forwardedFor;
  return message;
}

test('without a trusted proxy the header means nothing', (t) => {
  t.is(createClientAddress(undefined)(request('192.0.2.1', '198.51.100.7')), '192.0.2.1');
});

test('a number of hops takes the address that the outermost proxy saw', (t) => {
  const forwarded = '203.0.113.66, 198.51.100.7, 192.0.2.9';
  t.is(createClientAddress(1)(request('192.0.2.1', forwarded)), '192.0.2.9');
  t.is(createClientAddress(2)(request('192.0.2.1', forwarded)), '198.51.100.7');
  t.is(createClientAddress(1)(request('192.0.2.1')), '192.0.2.1');
});

test('networks are believed hop by hop, and only they', (t) => {
  const addressOf = createClientAddress(['127.0.0.1', '10.0.0.0/8']);
  t.is(addressOf(request('127.0.0.1', '203.0.113.66, 198.51.100.7, 10.1.2.3')), '198.51.100.7');
  t.is(addressOf(request('192.0.2.1', '198.51.100.7')), '192.0.2.1');
});

test('what is no address is not taken for one, and a port is left out', (t) => {
  const addressOf = createClientAddress(2);
  t.is(addressOf(request('192.0.2.1', '<script>, 192.0.2.9')), '192.0.2.9');
  t.is(addressOf(request('192.0.2.1', 'unknown')), '192.0.2.1');
  t.is(addressOf(request('192.0.2.1', '198.51.100.7:4711, 192.0.2.9')), '198.51.100.7');
  t.is(addressOf(request('192.0.2.1', '[2001:db8::1]:4711, 192.0.2.9')), '2001:db8::1');
});

test('an IPv4 address is the same on an IPv6 socket', (t) => {
  t.is(createClientAddress(undefined)(request('::ffff:192.0.2.1')), '192.0.2.1');
});

test('a network that is none is refused at the start', (t) => {
  t.throws(() => createClientAddress(['10.0.0.0/99']), { instanceOf: TypeError });
});

test('attempts of one IPv6 network are counted together', (t) => {
  t.is(networkOf('192.0.2.1'), '192.0.2.1');
  t.is(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  t.is(networkOf('2001:0db8:0001:0002::1'), '2001:db8:1:2::/64');
  t.is(networkOf('2001:db8::1'), '2001:db8:0:0::/64');
  t.is(networkOf('::1'), '0:0:0:0::/64');
  t.is(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
});
