/**
 * Who is asking: the client's address, behind proxies or not, for REST and for the transports. `X-Forwarded-For` is
 * believed only from proxies that the setting names, since anybody can send the header.
 */
import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';
import proxyaddr from 'proxy-addr';

export type ClientAddress = (request: IncomingMessage) => string;

/**
 * @param trustProxy undefined: the socket's address; a number: this many proxies stand before the server; a list: their
 * addresses and networks
 * @throws TypeError for a network that is none
 */
export function createClientAddress(trustProxy: number | readonly string[] | undefined): ClientAddress {
  if (trustProxy === undefined) return (request) => plain(request.socket.remoteAddress);
  const isTrusted = typeof trustProxy === 'number' ? within(trustProxy) : proxyaddr.compile([...trustProxy]);
  return (request) => {
    // Nearest first. An entry that is no address was written by somebody before the nearest proxy: the one after it counts.
    const addresses = proxyaddr.all(request, isTrusted).map((address) => withoutPort(address ?? ''));
    const known = addresses.findLast((address) => isIP(address) !== 0);
    return plain(known ?? request.socket.remoteAddress);
  };
}

/**
 * The address under which attempts are counted: an IPv4 address itself, of an IPv6 address its /64, since one client
 * has that many addresses at hand (RFC 6177).
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

function within(hops: number): (address: string, index: number) => boolean {
  return (_address, index) => index < hops;
}

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(address: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1];
  if (bracketed !== undefined) return bracketed;
  const [host = '', port] = address.split(':');
  return port !== undefined && isIPv4(host) ? host : address;
}

/** An IPv4 address that arrived on an IPv6 socket (`::ffff:192.0.2.1`) is the same client. */
function plain(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
