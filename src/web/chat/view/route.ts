/**
 * Where in the page one is, as the address says it, so that the browser's back button works: the list of rooms (which
 * fills a phone; elsewhere it is always there), a room, the people of a room, the log.
 */

export type Route = { kind: 'rooms' } | { kind: 'room'; name: string; isPeopleShown: boolean } | { kind: 'log' };

/** `hash`: with its `#`, as `location.hash` has it. What is no address of the page is the list of rooms. */
export function routeOf(hash: string): Route {
  const [first, second, third] = hash.replace(/^#\/?/, '').split('/');
  if (first === 'logs') return { kind: 'log' };
  if (first !== 'rooms' || second === undefined || second === '') return { kind: 'rooms' };
  try {
    return { kind: 'room', name: decodeURIComponent(second), isPeopleShown: third === 'people' };
  } catch {
    return { kind: 'rooms' };
  }
}

export function hashOf(route: Route): string {
  if (route.kind === 'rooms') return '#/';
  if (route.kind === 'log') return '#/logs';
  return `#/rooms/${encodeURIComponent(route.name)}${route.isPeopleShown ? '/people' : ''}`;
}
