/** What is done to a room, each with its question. */
import { useState } from 'preact/hooks';
import type { AdminRoomDetails } from '../../../protocol/admin.ts';
import { Notice } from '../../common/components/notice.tsx';
import { texts } from '../../common/texts.ts';
import { ActDialog, TypedActDialog } from '../parts/act-dialog.tsx';
import { RoomFields, type RoomText } from '../parts/room-fields.tsx';
import { useServices } from '../services.ts';

const said = texts.admin.rooms;

type EditRoomProps = { room: AdminRoomDetails; onClose: () => void; onSaved: (room: AdminRoomDetails) => void };

export function EditRoom({ room, onClose, onSaved }: EditRoomProps) {
  const { api } = useServices();
  const [text, setText] = useState<RoomText>({ name: room.name, topic: room.topic });
  const [name, topic] = [text.name.trim(), text.topic.trim()];
  const isRenamed = name !== room.name;
  const isNewTopic = topic !== room.topic;
  return (
    <ActDialog
      title={said.editTitle(room.name)}
      doLabel={said.save}
      fields={['name', 'topic']}
      onClose={onClose}
      act={async () => {
        if (!isRenamed && !isNewTopic) return said.unchanged;
        const change = { ...(isRenamed && { name }), ...(isNewTopic && { topic }) };
        const saved = await api.changeRoom(room.name, change);
        onSaved(saved);
        return said.saved(saved.name);
      }}
    >
      {(faults) => (
        <>
          <RoomFields value={text} faults={faults} first="topic" onInput={setText} />
          <div role="status">{isRenamed && <Notice tone="warn">{said.editRename}</Notice>}</div>
        </>
      )}
    </ActDialog>
  );
}

type DeleteRoomProps = { room: AdminRoomDetails; onClose: () => void; onDeleted: () => void };

export function DeleteRoom({ room, onClose, onDeleted }: DeleteRoomProps) {
  const { api } = useServices();
  return (
    <TypedActDialog
      title={said.deleteTitle(room.name)}
      doLabel={said.deleteDo}
      name={room.name}
      typeLabel={said.deleteType(room.name)}
      mismatch={said.deleteMismatch}
      onClose={onClose}
      act={async () => {
        await api.deleteRoom(room.name);
        onDeleted();
        return said.deleted(room.name);
      }}
    >
      <p>{said.deleteSays(room.messages, room.members)}</p>
    </TypedActDialog>
  );
}
