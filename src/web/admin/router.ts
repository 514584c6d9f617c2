/** The place that the window's address names, as a signal; going somewhere is changing the address. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { hashOf, parseRoute, type Route } from './route.ts';

export type Router = {
  readonly route: ReadonlySignal<Route>;
  /** A step that the back button undoes. */
  go(route: Route): void;
  /** The same step in other words, as a search while it is typed. */
  replace(route: Route): void;
  close(): void;
};

/** The part of a window that is used. */
export type RouterWindow = {
  addEventListener(type: 'hashchange', listener: () => void): void;
  removeEventListener(type: 'hashchange', listener: () => void): void;
  readonly location: { hash: string };
  readonly history: { replaceState(state: unknown, unused: string, url: string): void };
};

export function openRouter(window: RouterWindow): Router {
  const route = signal(parseRoute(window.location.hash));
  const follow = (): void => {
    const next = parseRoute(window.location.hash);
    // The same place written in another way is no step.
    if (hashOf(next) !== hashOf(route.peek())) route.value = next;
  };
  window.addEventListener('hashchange', follow);
  return {
    route,
    go(next) {
      window.location.hash = hashOf(next);
      follow();
    },
    replace(next) {
      window.history.replaceState(null, '', hashOf(next));
      follow();
    },
    close: () => window.removeEventListener('hashchange', follow),
  };
}
