/** What asks for attention while another tab or window is looked at: the title, the icon, notifications of mentions. */
import { useEffect } from 'preact/hooks';
import { texts } from '../../common/texts.ts';
import type { ChatModel } from '../model/model.ts';
import { useModel } from './context.ts';
import { showOnIcon } from './favicon.ts';
import { notify } from './notifications.ts';
import { go, route } from './router.ts';

const says = texts.chat.attention;

export function useAttention(): void {
  const model = useModel();
  const unread = model.unread.value;
  const at = route.value;
  const place = at.kind === 'room' ? at.name : at.kind === 'log' ? texts.chat.logs.title : '';
  useEffect(() => {
    document.title = says.title(unread, place);
  }, [unread, place]);
  useEffect(() => showOnIcon(unread), [unread]);
  useEffect(() => watchMentions(model), []);
  useEffect(
    () => () => {
      document.title = texts.chat.title;
      showOnIcon(0);
    },
    [],
  );
}

/** Tells of a room in which one was mentioned while the page was not looked at; once, until it was read. */
function watchMentions(model: ChatModel): () => void {
  let mentioned = new Set<string>();
  return model.rooms.subscribe((rooms) => {
    const now = new Set(rooms.filter((room) => room.isMentioned).map(({ name }) => name));
    for (const name of now) {
      if (mentioned.has(name) || !document.hidden) continue;
      notify(says.mentionedIn(name), mentionIn(model, name), name, () =>
        go({ kind: 'room', name, isPeopleShown: false }),
      );
    }
    mentioned = now;
  });
}

/** Who said what; known for the room that is open. */
function mentionIn(model: ChatModel, name: string): string {
  const room = model.room.peek();
  if (room?.name !== name) return '';
  const item = room.items.peek().findLast((one) => one.kind === 'message' && one.isMention && !one.you);
  return item?.kind === 'message' ? `${item.user}: ${item.body}` : '';
}
