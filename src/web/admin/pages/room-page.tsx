/** One room: what it is, who is in it, what was said last; and what can be done with it. */
import { useState } from 'preact/hooks';
import type { AdminRoomDetails } from '../../../protocol/admin.ts';
import { Button, LinkButton } from '../../common/components/button.tsx';
import { EditIcon, SearchIcon, TrashIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import { number } from '../format.ts';
import { useList, useRecord } from '../hooks.ts';
import { UserChip } from '../parts/link.tsx';
import { ListView } from '../parts/list-view.tsx';
import { MessageList } from '../parts/message-list.tsx';
import { Card, Facts, Page } from '../parts/page.tsx';
import { RecordView } from '../parts/record-view.tsx';
import { Time } from '../parts/time.tsx';
import { hashOf, routes } from '../route.ts';
import { useServices } from '../services.ts';
import { DeleteRoom, EditRoom } from './room-dialogs.tsx';

const said = texts.admin.rooms;
/** A glance at what is going on; the search has the rest. */
const recentMessages = 20;

export function RoomPage({ name }: { name: string }) {
  const { api } = useServices();
  const record = useRecord((options) => api.room(name, options), name);
  return (
    <RecordView
      record={record}
      title={name}
      up={{ to: routes.rooms(), title: texts.admin.parts.rooms }}
      goneTitle={said.gone(name)}
      goneHint={said.goneHint}
      backLabel={said.back}
    >
      {(room) => (
        <Room room={room} onChanged={(changed) => record.replace(changed)} reread={() => void record.read()} />
      )}
    </RecordView>
  );
}

type RoomProps = { room: AdminRoomDetails; onChanged: (room: AdminRoomDetails) => void; reread: () => void };

function Room({ room, onChanged, reread }: RoomProps) {
  const { router } = useServices();
  const [dialog, setDialog] = useState<'edit' | 'delete' | undefined>(undefined);
  const close = (): void => setDialog(undefined);
  return (
    <Page
      title={room.name}
      up={{ to: routes.rooms(), title: texts.admin.parts.rooms }}
      lead={room.topic === '' ? said.noTopic : room.topic}
      actions={
        <>
          <Button onClick={() => setDialog('edit')}>
            <EditIcon />
            {said.edit}
          </Button>
          <Button onClick={() => setDialog('delete')}>
            <TrashIcon />
            {said.delete}
          </Button>
        </>
      }
    >
      <div class="columns">
        <RecentMessages name={room.name} onDeleted={reread} />
        <div class="column-side">
          <Card title={said.details}>
            <Facts
              facts={[
                { title: said.messages, value: number(room.messages) },
                { title: said.lastMessage, value: <Time iso={room.last_message_at} none={said.noMessages} /> },
                { title: said.createdAt, value: <Time iso={room.created_at} /> },
                { title: said.changedAt, value: <Time iso={room.updated_at} /> },
              ]}
            />
            <a class="link" href={hashOf(routes.audit({ target: room.name }))}>
              {said.audit}
            </a>
          </Card>
          <Members names={room.member_names} />
        </div>
      </div>
      {dialog === 'edit' && (
        <EditRoom
          room={room}
          onClose={close}
          onSaved={(saved) => {
            onChanged(saved);
            if (saved.name !== room.name) router.replace(routes.room(saved.name));
          }}
        />
      )}
      {dialog === 'delete' && (
        <DeleteRoom room={room} onClose={close} onDeleted={() => router.replace(routes.rooms())} />
      )}
    </Page>
  );
}

function Members({ names }: { names: readonly string[] }) {
  return (
    <Card title={`${said.members} (${number(names.length)})`}>
      {names.length === 0 ? (
        <p class="soft">{said.nobody}</p>
      ) : (
        <ul class="chips">
          {names.map((name) => (
            <li key={name}>
              <UserChip name={name} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function RecentMessages({ name, onDeleted }: { name: string; onDeleted: () => void }) {
  const { api } = useServices();
  const list = useList(
    (room: string, wish) =>
      api.messages({ q: '', user: '', from: '', to: '', room }, { ...wish, limit: recentMessages }),
    name,
  );
  return (
    <Card
      title={said.recent}
      actions={
        <LinkButton isSmall href={hashOf(routes.messages({ room: name }))}>
          <SearchIcon size={16} />
          {said.openSearch}
        </LinkButton>
      }
    >
      <ListView list={list} empty={<p class="soft">{said.noRecent}</p>}>
        {(messages, isStale) => (
          <MessageList
            label={said.recent}
            messages={messages}
            isStale={isStale}
            onDeleted={(gone) => {
              list.remove((message) => message.id === gone.id);
              onDeleted();
            }}
          />
        )}
      </ListView>
    </Card>
  );
}
