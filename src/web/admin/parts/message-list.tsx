/** Messages as people wrote them, with where and when, and a way to delete each. */
import './message-list.css';
import { useRef, useState } from 'preact/hooks';
import type { AdminMessage } from '../../../protocol/admin.ts';
import { Avatar } from '../../common/components/avatar.tsx';
import { IconButton } from '../../common/components/button.tsx';
import { TrashIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import { fullTime } from '../format.ts';
import { highlight } from '../highlight.ts';
import { useServices } from '../services.ts';
import { ActDialog } from './act-dialog.tsx';
import { RoomLink, UserLink } from './link.tsx';
import { Time } from './time.tsx';

const said = texts.admin.messages;

type MessageListProps = {
  label: string;
  messages: readonly AdminMessage[];
  /** Words to be marked. */
  query?: string;
  /** Said of each message, where they are not all of one room. */
  showRoom?: boolean;
  isStale?: boolean;
  onDeleted: (message: AdminMessage) => void;
};

export function MessageList({ label, messages, query = '', showRoom, isStale, onDeleted }: MessageListProps) {
  const [doomed, setDoomed] = useState<AdminMessage | undefined>(undefined);
  const root = useRef<HTMLOListElement>(null);
  const goOnAt = (place: number): HTMLElement | undefined => {
    const buttons = Array.from(root.current?.querySelectorAll<HTMLElement>('.message > .button') ?? []);
    return buttons[place] ?? buttons.at(-1);
  };
  return (
    <>
      <ol
        ref={root}
        class={isStale ? 'messages messages-stale' : 'messages'}
        aria-label={label}
        aria-busy={isStale ?? false}
      >
        {messages.map((message) => (
          <li key={`${message.room}/${message.id}`} class="message">
            <Avatar name={message.user} />
            <div class="message-words">
              <p class="message-head">
                <UserLink name={message.user} isStrong />
                {showRoom && (
                  <span class="soft">
                    {said.inRoom} <RoomLink name={message.room} />
                  </span>
                )}
                <span class="soft">
                  <Time iso={message.created_at} />
                </span>
              </p>
              <MessageBody body={message.body} query={query} />
            </div>
            <IconButton
              label={said.deleteOne(message.user, fullTime(message.created_at))}
              title={said.delete}
              icon={<TrashIcon />}
              isSmall
              onClick={() => setDoomed(message)}
            />
          </li>
        ))}
      </ol>
      {doomed !== undefined && (
        <DeleteMessage
          message={doomed}
          onClose={() => setDoomed(undefined)}
          onDeleted={() => onDeleted(doomed)}
          goOnAt={() => goOnAt(messages.indexOf(doomed))}
        />
      )}
    </>
  );
}

/** More than that is folded: a list is looked through, and one message must not fill the screen. */
const folded = { characters: 800, lines: 8 };

function MessageBody({ body, query }: { body: string; query: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = body.length > folded.characters || body.split('\n').length > folded.lines;
  return (
    <>
      <p class={isLong && !isWhole ? 'message-body message-folded' : 'message-body'}>
        {highlight(body, query).map(({ text, isFound }, at) => (isFound ? <mark key={at}>{text}</mark> : text))}
      </p>
      {isLong && (
        <button type="button" class="message-fold" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? said.fold : said.unfold}
        </button>
      )}
    </>
  );
}

type DeleteMessageProps = {
  message: AdminMessage;
  onClose: () => void;
  onDeleted: () => void;
  goOnAt: () => HTMLElement | undefined;
};

function DeleteMessage({ message, onClose, onDeleted, goOnAt }: DeleteMessageProps) {
  const { api } = useServices();
  return (
    <ActDialog
      title={said.deleteTitle}
      doLabel={said.deleteDo}
      isDanger
      onClose={onClose}
      goOnAt={goOnAt}
      act={async () => {
        await api.deleteMessage(message.room, message.id);
        onDeleted();
        return said.deleted;
      }}
    >
      <blockquote class="quote">
        <p class="quote-head">
          <strong>{message.user}</strong> {said.inRoom} {message.room}, <Time iso={message.created_at} />
        </p>
        <p class="message-body message-folded">{message.body}</p>
      </blockquote>
      <p>{said.deleteSays}</p>
    </ActDialog>
  );
}
