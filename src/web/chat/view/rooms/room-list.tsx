/** The rooms: those one is in, and the others. A press on one joins it, if need be, and opens it. */
import './room-list.css';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Badge } from '../../../shared/components/badge.tsx';
import { Button } from '../../../shared/components/button.tsx';
import { Skeleton } from '../../../shared/components/empty.tsx';
import {
  AtIcon,
  HashIcon,
  RefreshIcon,
  SearchIcon,
  TerminalIcon,
  UsersIcon,
} from '../../../shared/components/icons.tsx';
import { texts } from '../../../shared/texts.ts';
import type { RoomListEntry } from '../../model/model.ts';
import { useModel } from '../context.ts';
import { hashOf, type Route } from '../route.ts';
import { go, route } from '../router.ts';
import { matching } from './filter.ts';

const says = texts.chat.rooms;
/** More than one sees at a glance. */
const filterFrom = 9;

export function RoomList() {
  const model = useModel();
  const rooms = model.rooms.value;
  const [filter, setFilter] = useState('');
  const hasFilter = rooms.length >= filterFrom;
  const shown = hasFilter ? matching(rooms, filter) : rooms;
  return (
    <nav class="rooms" aria-label={says.navigation}>
      <PlaceLink to={{ kind: 'log' }}>
        <TerminalIcon />
        <span class="room-name">{says.logs}</span>
      </PlaceLink>
      <div class="rooms-head">
        <h2>{says.heading}</h2>
        <Button look="quiet" isSmall isBusy={model.isRefreshing.value} onClick={() => void model.refreshRooms()}>
          {!model.isRefreshing.value && <RefreshIcon size={15} />}
          {says.refresh}
        </Button>
      </div>
      {hasFilter && <Filter value={filter} onChange={setFilter} />}
      <div class="rooms-scroll scrolls">
        <Section title={says.joined} rooms={shown.filter((room) => room.isJoined)} />
        <Section title={says.others} rooms={shown.filter((room) => !room.isJoined)} />
        {rooms.length === 0 && model.isRefreshing.value && <Skeletons />}
        {rooms.length > 0 && shown.length === 0 && <p class="rooms-none">{says.noMatch}</p>}
        {rooms.length === 0 && !model.isRefreshing.value && (
          <p class="rooms-none">
            {says.none}. {says.noneHint}
          </p>
        )}
      </div>
    </nav>
  );
}

function Filter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <div class="rooms-filter">
      <SearchIcon size={15} />
      <input
        class="input"
        type="search"
        aria-label={says.filter}
        placeholder={says.filter}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && onChange('')}
      />
    </div>
  );
}

function Section({ title, rooms }: { title: string; rooms: readonly RoomListEntry[] }) {
  if (rooms.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul>
        {rooms.map((room) => (
          <li key={room.name}>
            <RoomLink room={room} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function RoomLink({ room }: { room: RoomListEntry }) {
  const { name, topic, users, isJoined, unread, isMentioned } = room;
  const classes = [isJoined && 'room-joined', unread > 0 && 'room-unread'].filter(Boolean).join(' ');
  return (
    <PlaceLink to={{ kind: 'room', name, isPeopleShown: false }} classes={classes}>
      <HashIcon size={16} />
      <span>
        <span class="room-name">{name}</span>
        {topic !== '' && <span class="room-topic">{topic}</span>}
      </span>
      <span class="room-marks">
        <span class="only-heard">{`, ${isJoined ? says.isJoined : says.notJoined}`}</span>
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
    </PlaceLink>
  );
}

type PlaceLinkProps = { to: Route; classes?: string; children: ComponentChildren };

/** A link, so that it can be opened in a new tab, too; a plain press stays on the page. */
function PlaceLink({ to, classes = '', children }: PlaceLinkProps) {
  const at = route.value;
  const isHere = to.kind === at.kind && (to.kind !== 'room' || (at.kind === 'room' && at.name === to.name));
  return (
    <a
      href={hashOf(to)}
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

function Skeletons() {
  return (
    <div class="side-skeletons">
      {['55%', '70%', '45%', '62%', '50%'].map((width) => (
        <Skeleton key={width} width={width} />
      ))}
    </div>
  );
}
