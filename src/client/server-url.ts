/** The server's base URL as requests are made from it: without a slash at its end. Throws TypeError when it is none. */
export function baseOf(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`The server's URL begins with http:// or https://, not ${url.protocol}//.`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
