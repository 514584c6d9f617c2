/** A room: its bar, its messages, the composer, and who is in it. */
import '../welcome.css';
import './room-page.css';
import { IconButton } from '../../../common/components/button.tsx';
import { HashIcon, LeaveIcon, UsersIcon } from '../../../common/components/icons.tsx';
import { Spinner } from '../../../common/components/spinner.tsx';
import { texts } from '../../../common/texts.ts';
import type { OpenRoom } from '../../model/model.ts';
import { Bar } from '../bar.tsx';
import { Composer } from '../composer/composer.tsx';
import { ConnectionBanner } from '../connection.tsx';
import { useModel } from '../context.ts';
import { isPeopleColumnShown, isWide, showPeopleColumn } from '../layout.ts';
import { MessageList } from '../messages/message-list.tsx';
import { MessageSkeletons } from '../messages/skeletons.tsx';
import { go, goUp } from '../router.ts';
import { PeopleColumn, PeopleDrawer } from './people.tsx';

const says = texts.chat.room;

export function RoomPage({ name, isPeopleShown }: { name: string; isPeopleShown: boolean }) {
  const model = useModel();
  const topic = model.rooms.value.find((room) => room.name === name)?.topic ?? '';
  const open = model.room.value;
  const room = open?.name === name ? open : undefined;
  const hidePeople = (): void => {
    if (isWide.peek()) {
      showPeopleColumn(false);
      document.querySelector<HTMLElement>('.room-people')?.focus();
    } else goUp({ kind: 'room', name, isPeopleShown: false });
  };
  return (
    <>
      <div class="page">
        <Bar icon={<HashIcon />} title={name} about={topic}>
          {room !== undefined && <RoomActions room={room} />}
        </Bar>
        <ConnectionBanner />
        {room === undefined ? (
          <Joining name={name} />
        ) : (
          <>
            <MessageList key={name} room={room} />
            <Composer key={`${name} composer`} room={room} />
          </>
        )}
      </div>
      {room !== undefined && isWide.value && isPeopleColumnShown.value && (
        <PeopleColumn room={room} topic={topic} onClose={hidePeople} />
      )}
      {room !== undefined && !isWide.value && isPeopleShown && (
        <PeopleDrawer room={room} topic={topic} onClose={hidePeople} />
      )}
    </>
  );
}

function RoomActions({ room }: { room: OpenRoom }) {
  const model = useModel();
  const isColumn = isWide.value;
  const isShown = isColumn && isPeopleColumnShown.value;
  const users = room.users.value.length;
  const togglePeople = (): void => {
    if (isColumn) showPeopleColumn(!isShown);
    else go({ kind: 'room', name: room.name, isPeopleShown: true });
  };
  return (
    <>
      <button
        type="button"
        class="button button-quiet room-people"
        aria-label={`${isShown ? says.hidePeople : says.showPeople}, ${says.peopleCount(users)}`}
        title={isShown ? says.hidePeople : says.showPeople}
        {...(isColumn ? { 'aria-pressed': isShown } : { 'aria-haspopup': 'dialog' as const })}
        onClick={togglePeople}
      >
        <UsersIcon />
        {users}
      </button>
      <IconButton label={says.leave} icon={<LeaveIcon />} onClick={() => void model.leaveRoom(room.name)} />
    </>
  );
}

function Joining({ name }: { name: string }) {
  return (
    <div class="joining">
      <p role="status">
        <Spinner />
        {says.joining(name)}
      </p>
      <MessageSkeletons />
    </div>
  );
}
