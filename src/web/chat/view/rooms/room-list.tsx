/** The rooms: those one is in, and the others. A press on one joins it, if need be, and opens it. */
import './room-list.css';
import { useState } from 'preact/hooks';
import { Button } from '../../../common/components/button.tsx';
import { Skeleton } from '../../../common/components/empty.tsx';
import { RefreshIcon, SearchIcon, TerminalIcon } from '../../../common/components/icons.tsx';
import { texts } from '../../../common/texts.ts';
import type { RoomListEntry } from '../../model/model.ts';
import { useModel } from '../context.ts';
import { matching } from './filter.ts';
import { PlaceLink, RoomLink } from './room-link.tsx';

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

function Skeletons() {
  return (
    <div class="side-skeletons">
      {['55%', '70%', '45%', '62%', '50%'].map((width) => (
        <Skeleton key={width} width={width} />
      ))}
    </div>
  );
}
