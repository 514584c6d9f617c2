/** All rooms: found, looked into, made. */
import { useState } from 'preact/hooks';
import type { AdminRoom } from '../../../protocol/admin.ts';
import { limits } from '../../../protocol/limits.ts';
import { Button } from '../../common/components/button.tsx';
import { Empty } from '../../common/components/empty.tsx';
import { HashIcon, PlusIcon, SearchIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import { number } from '../format.ts';
import { useList } from '../hooks.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { RoomLink } from '../parts/link.tsx';
import { ListView } from '../parts/list-view.tsx';
import { Page } from '../parts/page.tsx';
import { RoomFields, type RoomText } from '../parts/room-fields.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { routes } from '../route.ts';
import { useServices } from '../services.ts';

const said = texts.admin.rooms;

const columns: readonly Column<AdminRoom>[] = [
  {
    title: said.name,
    sortBy: (room) => room.name,
    cell: (room) => (
      <>
        <RoomLink name={room.name} isStrong />
        {room.topic !== '' && <p class="cell-more">{room.topic}</p>}
      </>
    ),
  },
  {
    title: said.members,
    isNumber: true,
    sortBy: (room) => room.members,
    sortFirst: 'descending',
    cell: (room) => number(room.members),
  },
  {
    title: said.messages,
    isNumber: true,
    sortBy: (room) => room.messages,
    sortFirst: 'descending',
    cell: (room) => number(room.messages),
  },
  {
    title: said.lastMessage,
    sortBy: (room) => room.last_message_at ?? '',
    sortFirst: 'descending',
    cell: (room) => <Time iso={room.last_message_at} none={said.noMessages} />,
  },
];

export function RoomsPage({ search }: { search: string }) {
  const { api, router } = useServices();
  const [isCreating, setCreating] = useState(false);
  const list = useList((text: string, wish) => api.rooms(text, { ...wish, limit: limits.pageRows }), search);
  return (
    <Page
      title={texts.admin.parts.rooms}
      actions={
        <Button look="primary" onClick={() => setCreating(true)}>
          <PlusIcon />
          {said.create}
        </Button>
      }
    >
      <SearchBox label={said.search} value={search} onSearch={(text) => router.replace(routes.rooms(text))} />
      <ListView list={list} empty={<NoRooms isSearch={search !== ''} />}>
        {(rooms, isStale) => (
          <Table
            caption={said.caption}
            columns={columns}
            items={rooms}
            keyOf={(room) => room.id}
            isStale={isStale}
            canSort={!list.hasMore.value}
          />
        )}
      </ListView>
      {isCreating && <CreateRoom onClose={() => setCreating(false)} />}
    </Page>
  );
}

function NoRooms({ isSearch }: { isSearch: boolean }) {
  return isSearch ? (
    <Empty icon={<SearchIcon size={28} />} title={texts.admin.list.nothingFound}>
      <p>{texts.admin.list.nothingFoundHint}</p>
    </Empty>
  ) : (
    <Empty icon={<HashIcon size={28} />} title={said.empty}>
      <p>{said.emptyHint}</p>
    </Empty>
  );
}

function CreateRoom({ onClose }: { onClose: () => void }) {
  const { api, router } = useServices();
  const [text, setText] = useState<RoomText>({ name: '', topic: '' });
  return (
    <ActDialog
      title={said.createTitle}
      doLabel={said.createDo}
      fields={['name', 'topic']}
      onClose={onClose}
      act={async () => {
        const room = await api.createRoom({ name: text.name.trim(), topic: text.topic.trim() });
        router.go(routes.room(room.name));
        return said.created(room.name);
      }}
    >
      {(faults) => <RoomFields value={text} faults={faults} first="name" onInput={setText} />}
    </ActDialog>
  );
}
