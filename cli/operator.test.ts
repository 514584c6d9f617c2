import { userInfo } from 'node:os';
import test from 'ava';
import { operator, operatorName } from './operator.ts';

const nameless = (): never => {
  throw new Error('A system error occurred: uv_os_get_passwd returned ENOENT');
};

test('the operator is the system’s user, and no user of the chat', (t) => {
  t.is(operatorName(), userInfo().username);
  t.deepEqual(operator(), { userId: null, name: userInfo().username, via: 'command' });
});

test('an operator whose number has no name is noted by the number', (t) => {
  t.is(operatorName(nameless), undefined);
  t.deepEqual(operator(nameless), { userId: null, name: `uid ${process.getuid?.()}`, via: 'command' });
});
