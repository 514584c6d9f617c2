import test from 'ava';
import { limits } from './limits.ts';
import { roomNameFault, usernameFault } from './names.ts';

test('room names are letters, digits and . _ - beginning with a letter or digit', (t) => {
  for (const name of ['a', '1', 'making_friends', 'a.b-c_d', 'żółw', '部屋', 'x'.repeat(limits.roomNameLength)]) {
    t.is(roomNameFault(name), undefined, name);
  }
  const bad = ['', '_a', '.a', '-a', 'a b', 'a:b', 'a/b', 'a\n', 'a\0', '😀', '\ud800', 'x'.repeat(65), '..'];
  for (const name of bad) t.is(typeof roomNameFault(name), 'string', JSON.stringify(name));
});

test('user names are letters, digits and @ . + - _', (t) => {
  for (const name of ['a', '@', '...', '.a', 'ann+x@example.org', 'Ünï', 'x'.repeat(limits.usernameLength)]) {
    t.is(usernameFault(name), undefined, name);
  }
  const bad = ['', ' ', '.', '..', 'a b', 'a:b', 'a/b', 'a\n', 'a\0', '😀', '\ud800', 'x'.repeat(151)];
  for (const name of bad) t.is(typeof usernameFault(name), 'string', JSON.stringify(name));
});

test('a name has no letters that nobody sees', (t) => {
  for (const letter of ['\u115f', '\u1160', '\u3164', '\uffa0', '\u200b', '\u202e']) {
    for (const name of [letter, `admin${letter}`]) {
      t.is(typeof usernameFault(name), 'string', JSON.stringify(name));
      t.is(typeof roomNameFault(name), 'string', JSON.stringify(name));
    }
  }
});
