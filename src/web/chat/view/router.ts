/** The route as a signal, kept in the address. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { hashOf, type Route, routeOf } from './route.ts';

const current = signal<Route>({ kind: 'rooms' });
export const route: ReadonlySignal<Route> = current;

/** `from`: the address that led here, so that a way back is no step forward. */
type Entry = { from?: string };
const entry = (): Entry => (history.state as Entry | null) ?? {};

export function startRouter(): void {
  const read = (): void => {
    current.value = routeOf(location.hash);
  };
  read();
  addEventListener('popstate', read);
  addEventListener('hashchange', read);
}

export function go(to: Route): void {
  const [from, hash] = [hashOf(current.peek()), hashOf(to)];
  if (from === hash) return;
  history.pushState({ from } satisfies Entry, '', hash);
  current.value = to;
}

/** What is shown has changed by itself: there is no way back to what was. */
export function goInstead(to: Route): void {
  const hash = hashOf(to);
  if (hashOf(current.peek()) === hash) return;
  history.replaceState(history.state, '', hash);
  current.value = to;
}

/** One level up: a step back where one came from there. */
export function goUp(to: Route): void {
  if (entry().from === hashOf(to)) history.back();
  else goInstead(to);
}
