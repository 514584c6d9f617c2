/** FINBOT_HOST: `host:port`, or a URL where the server stands behind TLS or under a path. */

/** The server's base URL without a slash at its end. @throws Error that says which forms there are. */
export function readHost(host: string): string {
  const text = host.trim() === '' ? 'localhost:8000' : host.trim();
  const address = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url === undefined || !isPlain || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Error('FINBOT_HOST must be host:port, or a URL that begins with http:// or https://.');
  }
  return url.href.replace(/\/+$/, '');
}
