/** Rooms and messages on the chat page's model, against the real server. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { enter, enterRoom, shown, when } from './model-house.ts';

test('two people register, join a room and talk', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  const bob = await enter(t, url, 'bob');
  await when(() => ann.model.rooms.value.length === 3, 'the list of rooms');
  t.deepEqual(
    ann.model.rooms.value.map(({ name, isJoined }) => [name, isJoined]),
    [
      ['family', false],
      ['friends', false],
      ['investments', false],
    ],
  );
  const hers = await enterRoom(ann, 'friends');
  const his = await enterRoom(bob, 'friends');
  ann.model.send('friends', 'hello');
  t.deepEqual(shown(hers).at(-1), 'ann: hello (pending)');
  await when(() => shown(his).includes('ann: hello'), 'hello');
  bob.model.send('friends', '/stock=aapl.us');
  await when(() => shown(hers).includes('bob: /stock=aapl.us'), 'the command');
  await bob.model.leaveRoom('friends');
  await when(() => shown(hers).includes('- bob'), 'a part');
  t.deepEqual(shown(hers), ['+ ann', '+ bob', 'ann: hello', 'bob: /stock=aapl.us', '- bob']);
  t.deepEqual(hers.users.value, [{ name: 'ann', you: true }]);
  t.is(bob.model.room.value, undefined);
});
