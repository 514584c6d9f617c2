/** The way to a room or the log. */
import './room-list.css';
import type { ComponentChildren } from 'preact';
import { Badge } from '../../../common/components/badge.tsx';
import { AtIcon, HashIcon, UsersIcon } from '../../../common/components/icons.tsx';
import { texts } from '../../../common/texts.ts';
import type { RoomListEntry } from '../../model/model.ts';
import { hashOf, type Route } from '../route.ts';
import { go, route } from '../router.ts';

const says = texts.chat.rooms;

const classesOf = ({ isJoined, unread }: RoomListEntry): string =>
  [isJoined && 'room-joined', unread > 0 && 'room-unread'].filter(Boolean).join(' ');

const routeTo = (name: string): Route => ({ kind: 'room', name, isPeopleShown: false });

export function RoomLink({ room }: { room: RoomListEntry }) {
  return (
    <PlaceLink to={routeTo(room.name)} classes={classesOf(room)}>
      <RoomFace room={room} />
    </PlaceLink>
  );
}

/** The same as something to do, where the list with the links stands beside it. */
export function RoomButton({ room }: { room: RoomListEntry }) {
  return (
    <button type="button" class={`room-link ${classesOf(room)}`} onClick={() => go(routeTo(room.name))}>
      <RoomFace room={room} />
    </button>
  );
}

function RoomFace({ room: { name, topic, users, isJoined, unread, isMentioned } }: { room: RoomListEntry }) {
  return (
    <>
      <HashIcon size={16} />
      <span>
        <span class="room-name">{name}</span>
        {topic !== '' && (
          <span class="room-topic" title={topic}>
            {topic}
          </span>
        )}
      </span>
      <span class="room-marks">
        <span class="only-heard">{`, ${isJoined ? says.isJoined : says.notJoined}`}</span>
        {!isJoined && (
          <span class="room-join" aria-hidden="true">
            {says.join}
          </span>
        )}
        {isMentioned && (
          <span class="room-mention" title={says.mentioned}>
            <AtIcon size={13} />
            <span class="only-heard">{says.mentioned}</span>
          </span>
        )}
        {unread > 0 ? (
          <Badge tone="accent">
            <span aria-hidden="true">{unread > 99 ? '99+' : unread}</span>
            <span class="only-heard">{says.unread(unread)}</span>
          </Badge>
        ) : (
          users > 0 && (
            <>
              <UsersIcon size={13} />
              <span title={says.people(users)}>
                <span aria-hidden="true">{users}</span>
                <span class="only-heard">{says.people(users)}</span>
              </span>
            </>
          )
        )}
      </span>
    </>
  );
}

type PlaceLinkProps = { to: Route; classes?: string; children: ComponentChildren };

/** A link, so that it can be opened in a new tab, too; a plain press stays on the page. */
export function PlaceLink({ to, classes = '', children }: PlaceLinkProps) {
  const at = route.value;
  const isHere = to.kind === at.kind && (to.kind !== 'room' || (at.kind === 'room' && at.name === to.name));
  return (
    <a
      // Not the hash alone: that would be a place on this page, to whoever looks at links.
      href={`./${hashOf(to)}`}
      class={`room-link ${classes}`}
      {...(isHere && { 'aria-current': 'page' as const })}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
