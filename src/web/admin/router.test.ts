import test from 'ava';
import { routes } from './route.ts';
import { openRouter, type RouterWindow } from './router.ts';

/** A window whose address can be changed as a person or the back button does it. */
function newWindow(hash: string) {
  const target = new EventTarget();
  const steps = [hash];
  const location = {
    get hash(): string {
      return steps.at(-1) ?? '';
    },
    set hash(value: string) {
      steps.push(value);
      target.dispatchEvent(new Event('hashchange'));
    },
  };
  const window: RouterWindow = {
    addEventListener: (type, listener) => target.addEventListener(type, listener),
    removeEventListener: (type, listener) => target.removeEventListener(type, listener),
    location,
    history: {
      replaceState: (_state, _title, url) => {
        steps[steps.length - 1] = url;
      },
    },
  };
  const back = (): void => {
    steps.pop();
    target.dispatchEvent(new Event('hashchange'));
  };
  return { window, steps, back };
}

test('a page opens at the place in its address', (t) => {
  t.deepEqual(openRouter(newWindow('#/users/ada').window).route.value, routes.user('ada'));
  t.deepEqual(openRouter(newWindow('').window).route.value, routes.now());
});

test('going somewhere is a step that the back button undoes', (t) => {
  const { window, back } = newWindow('#/rooms');
  const router = openRouter(window);
  router.go(routes.room('friends'));
  t.deepEqual(router.route.value, routes.room('friends'));
  back();
  t.deepEqual(router.route.value, routes.rooms());
});

test('a search that is typed is one step, however many letters it has', (t) => {
  const { window, steps } = newWindow('#/rooms');
  const router = openRouter(window);
  for (const text of ['f', 'fr', 'fri']) router.replace(routes.rooms(text));
  t.deepEqual(router.route.value, routes.rooms('fri'));
  t.deepEqual(steps, ['#/rooms?search=fri']);
});

test('the same place in other words changes nothing, and a closed router follows no more', (t) => {
  const { window } = newWindow('#/rooms');
  const router = openRouter(window);
  const before = router.route.value;
  window.location.hash = '#rooms/';
  t.is(router.route.value, before);
  router.close();
  window.location.hash = '#/users';
  t.is(router.route.value, before);
});
