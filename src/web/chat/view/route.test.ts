import test from 'ava';
import { hashOf, type Route, routeOf } from './route.ts';

test('an address leads back to where it was made', (t) => {
  const routes: Route[] = [
    { kind: 'rooms' },
    { kind: 'log' },
    { kind: 'room', name: 'friends', isPeopleShown: false },
    { kind: 'room', name: 'a.b_c-ü', isPeopleShown: true },
  ];
  for (const route of routes) t.deepEqual(routeOf(hashOf(route)), route);
});

test('what is no address of the page is the list of rooms', (t) => {
  for (const hash of ['', '#', '#/', '#/rooms', '#/rooms/', '#/users/ada', '#/rooms/%E0%A4%A']) {
    t.deepEqual(routeOf(hash), { kind: 'rooms' }, hash);
  }
});
