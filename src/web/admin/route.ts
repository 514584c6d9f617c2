/**
 * Where in the administration the reader is, as the address's part after `#` says it: so every place survives a reload,
 * can be sent to a colleague, and is left by the back button. Pure; router.ts follows the window.
 */
import type { AuditFilter, MessageFilter } from './api.ts';

export type Route =
  | { page: 'now' }
  | { page: 'rooms'; search: string }
  | { page: 'room'; name: string }
  | ({ page: 'messages' } & MessageFilter)
  | { page: 'users'; search: string }
  | { page: 'user'; name: string }
  | ({ page: 'audit' } & AuditFilter)
  /** An address that was never one of these. */
  | { page: 'unknown' };
export type PageName = Route['page'];

const noMessageFilter: MessageFilter = { q: '', room: '', user: '', from: '', to: '' };
const noAuditFilter: AuditFilter = { actor: '', act: '', target: '' };

export const routes = {
  now: (): Route => ({ page: 'now' }),
  rooms: (search = ''): Route => ({ page: 'rooms', search }),
  room: (name: string): Route => ({ page: 'room', name }),
  messages: (filter: Partial<MessageFilter> = {}): Route => ({ page: 'messages', ...noMessageFilter, ...filter }),
  users: (search = ''): Route => ({ page: 'users', search }),
  user: (name: string): Route => ({ page: 'user', name }),
  audit: (filter: Partial<AuditFilter> = {}): Route => ({ page: 'audit', ...noAuditFilter, ...filter }),
};

/** `hash`: as `location.hash` has it, with its `#`, or empty. */
export function parseRoute(hash: string): Route {
  const [path, query] = splitOnce(hash.replace(/^#?\/?/, ''), '?');
  const [page, name, ...rest] = path.split('/').map(decoded);
  const values = new URLSearchParams(query);
  const value = (key: string): string => values.get(key) ?? '';
  if (rest.length > 0) return { page: 'unknown' };
  if (name !== undefined && name !== '') {
    if (page === 'rooms') return routes.room(name);
    if (page === 'users') return routes.user(name);
    return { page: 'unknown' };
  }
  switch (page) {
    case '':
    case 'now':
      return routes.now();
    case 'rooms':
      return routes.rooms(value('search'));
    case 'users':
      return routes.users(value('search'));
    case 'messages':
      return routes.messages(picked(noMessageFilter, value));
    case 'audit':
      return routes.audit(picked(noAuditFilter, value));
    default:
      return { page: 'unknown' };
  }
}

/** The address's part after the file, with its `#`. */
export function hashOf(route: Route): string {
  switch (route.page) {
    case 'room':
      return `#/rooms/${encodeURIComponent(route.name)}`;
    case 'user':
      return `#/users/${encodeURIComponent(route.name)}`;
    case 'unknown':
      return '#/';
    default: {
      const { page, ...values } = route;
      const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== '')).toString();
      return `#/${page}${query === '' ? '' : `?${query}`}`;
    }
  }
}

/** In which of the main parts a page is. */
export function partOf(page: PageName): 'now' | 'rooms' | 'messages' | 'users' | 'audit' | undefined {
  if (page === 'room') return 'rooms';
  if (page === 'user') return 'users';
  return page === 'unknown' ? undefined : page;
}

function picked<Filter extends Record<string, string>>(none: Filter, value: (key: string) => string): Filter {
  return Object.fromEntries(Object.keys(none).map((key) => [key, value(key)])) as Filter;
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** A broken `%` is what somebody typed: taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
