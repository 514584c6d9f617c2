/**
 * The forms that a setting's text may have: each makes the value of it, or throws an Error whose message completes
 * "KEY …". They know no setting by name.
 */
import { isIP } from 'node:net';
import proxyaddr from 'proxy-addr';

export type Parse<T> = (text: string) => T;

export function text(value: string): string {
  return value;
}

/** Something to listen on. */
export function hostAddress(value: string): string {
  if (isIP(value) === 0 && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value))
    throw new Error('must be an IP address or a host name, without port or http://.');
  return value;
}

export function integer(min: number, max: number): Parse<number> {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max)
      throw new Error(`must be a whole number from ${min} to ${max}.`);
    return number;
  };
}

export function oneOf<const T extends string>(...choices: readonly T[]): Parse<T> {
  return (value) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new Error(`must be one of ${choices.join(', ')}.`);
    return found;
  };
}

export function onOff(value: string): boolean {
  return oneOf('on', 'off')(value) === 'on';
}

export function list(separator: string): Parse<string[]> {
  return (value) =>
    value
      .split(separator)
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
}

export function databaseUrl(value: string): string {
  if (value.startsWith('sqlite://') && value.length > 'sqlite://'.length) return value;
  if (!/^postgres(ql)?:\/\//.test(value) || !URL.canParse(value)) {
    throw new Error('must be postgres://user:password@host:port/name, or sqlite:// followed by a path.');
  }
  return value;
}

export function redisUrl(value: string): string {
  if (!/^rediss?:\/\//.test(value) || !URL.canParse(value))
    throw new Error('must be redis://host:port, with :password@ before the host where there is one.');
  return value;
}

export function httpUrl(value: string): string {
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) throw new Error('must begin with http:// or https://.');
  return value.replace(/\/+$/, '');
}

/** Origins of web pages, in the form in which browsers send them, or `*`. */
export function originsOrAll(value: string): '*' | string[] {
  const entries = list(',')(value);
  if (entries.length === 1 && entries[0] === '*') return '*';
  return entries.length === 0 ? [webOrigin(value)] : entries.map(webOrigin);
}

function webOrigin(entry: string): string {
  // Not even a slash at the end: it may be the sign of a path that somebody thinks is looked at.
  const isOrigin = /^[a-z][a-z\d+.-]*:\/\/[^\s/\\?#@*]+$/i.test(entry) && URL.canParse(entry);
  if (!isOrigin)
    throw new Error(
      `must be * alone, or origins with commas between: scheme and host, a port where there is one, no path. "${entry}" is none.`,
    );
  const { origin } = new URL(entry);
  // Pages inside of applications have schemes of their own (capacitor://localhost), of which URL makes no origin.
  return origin === 'null' ? entry.toLowerCase() : origin;
}

/** A number of hops, or the addresses and networks themselves. */
export function hopsOrNetworks(value: string): number | string[] {
  if (/^\d+$/.test(value)) return integer(1, 32)(value);
  const networks = value.split(/[\s,]+/).filter((network) => network !== '');
  if (networks.length === 0 || !networks.every(isNetwork))
    throw new Error('must be a number of hops (1 to 32), or addresses and CIDRs with commas between.');
  return networks;
}

/** As the HTTP side will read it; the names of ranges that its library knows besides are no setting of this program. */
function isNetwork(text: string): boolean {
  try {
    proxyaddr.compile(text);
    return /^[\da-f]*[.:]/i.test(text);
  } catch {
    return false;
  }
}
