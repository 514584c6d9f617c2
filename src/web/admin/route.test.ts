import test from 'ava';
import { hashOf, parseRoute, partOf, type Route, routes } from './route.ts';

const places: Route[] = [
  routes.now(),
  routes.rooms(),
  routes.rooms('fri & ends'),
  routes.room('friends'),
  routes.room('Überblick/50%?#'),
  routes.messages(),
  routes.messages({ q: 'two words', room: 'friends', user: 'a+b', from: '2026-01-01T00:00:00.000Z' }),
  routes.users('ada@'),
  routes.user('ada+b@x'),
  routes.audit({ actor: 'root', act: 'user-banned', target: 'ada' }),
];

test('every place survives being written to the address and read again', (t) => {
  for (const place of places) t.deepEqual(parseRoute(hashOf(place)), place, hashOf(place));
});

test('addresses read as people write them', (t) => {
  t.is(hashOf(routes.rooms()), '#/rooms');
  t.is(hashOf(routes.user('ada')), '#/users/ada');
  t.is(hashOf(routes.messages({ q: 'x y', room: 'friends' })), '#/messages?q=x+y&room=friends');
  t.deepEqual(parseRoute(''), routes.now());
  t.deepEqual(parseRoute('#'), routes.now());
  t.deepEqual(parseRoute('#/'), routes.now());
  t.deepEqual(parseRoute('#/rooms/'), routes.rooms());
  t.deepEqual(parseRoute('#rooms'), routes.rooms());
});

test('an address of nothing is told apart, and never throws', (t) => {
  for (const hash of ['#/nothing', '#/now/x', '#/rooms/a/b', '#/audit/1']) {
    t.deepEqual(parseRoute(hash), { page: 'unknown' }, hash);
  }
  t.deepEqual(parseRoute('#/rooms/50%'), routes.room('50%'));
  t.deepEqual(parseRoute('#/messages?q=%'), routes.messages({ q: '%' }));
});

test('details belong to the part that lists them', (t) => {
  t.is(partOf('room'), 'rooms');
  t.is(partOf('user'), 'users');
  t.is(partOf('audit'), 'audit');
  t.is(partOf('unknown'), undefined);
});
