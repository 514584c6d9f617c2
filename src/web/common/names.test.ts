import test from 'ava';
import { initialsOf } from './names.ts';

test('initials are two letters of the name', (t) => {
  t.is(initialsOf('ada'), 'AD');
  t.is(initialsOf('ada.lovelace'), 'AL');
  t.is(initialsOf('grace_hopper_42'), 'GH');
  t.is(initialsOf('x'), 'X');
  t.is(initialsOf('@me'), 'ME');
});

test('initials are whole characters, of any script', (t) => {
  t.is(initialsOf('žofie'), 'ŽO');
  t.is(initialsOf('李小龙'), '李小');
  t.is(initialsOf('𝒜𝒷c'), '𝒜𝒷');
});

test('a name without letters has something to show', (t) => {
  t.is(initialsOf('+++'), '++');
});
