/** Beside the rooms, while none is open: a word, and the rooms to begin with. */
import './welcome.css';
import { Empty } from '../../common/components/empty.tsx';
import { ChatIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import { ConnectionBanner } from './connection.tsx';
import { useModel } from './context.ts';
import { RoomButton } from './rooms/room-link.tsx';

const says = texts.chat.welcome;
/** As many as stand on a small screen; all are at the side. */
const most = 6;

export function Welcome() {
  const model = useModel();
  const rooms = model.rooms.value;
  // The liveliest first.
  const first = [...rooms].sort((a, b) => b.users - a.users).slice(0, most);
  return (
    <div class="page">
      <ConnectionBanner />
      <div class="welcome scrolls">
        {rooms.length === 0 && !model.isRefreshing.value ? (
          <Empty icon={<ChatIcon size={40} />} title={texts.chat.rooms.none}>
            <p>{texts.chat.rooms.noneHint}</p>
          </Empty>
        ) : (
          <div class="welcome-column">
            <div>
              <h2 tabIndex={-1} data-heading>
                {says.title(model.username.value ?? '')}
              </h2>
              <p>{says.hint}</p>
            </div>
            {first.length > 0 && (
              <ul class="welcome-rooms">
                {first.map((room) => (
                  <li key={room.name}>
                    <RoomButton room={room} />
                  </li>
                ))}
              </ul>
            )}
          </div>
        )}
      </div>
    </div>
  );
}
