/** Who is in a room, and what it is about: a column where there is room for one, else a drawer over the page. */
import './people.css';
import { Avatar } from '../../../common/components/avatar.tsx';
import { Badge } from '../../../common/components/badge.tsx';
import { IconButton } from '../../../common/components/button.tsx';
import { Modal } from '../../../common/components/dialog.tsx';
import { CloseIcon } from '../../../common/components/icons.tsx';
import { LinkedText } from '../../../common/components/linked-text.tsx';
import { texts } from '../../../common/texts.ts';
import type { OpenRoom } from '../../model/model.ts';

const says = texts.chat.room;
type PeopleProps = { room: OpenRoom; topic: string; onClose: () => void };

export function PeopleColumn(props: PeopleProps) {
  return (
    <aside class="people-column" aria-label={says.people}>
      <People {...props} />
    </aside>
  );
}

/** Open as long as it is rendered. */
export function PeopleDrawer(props: PeopleProps) {
  return (
    <Modal class="drawer" aria-label={says.people} onClose={props.onClose}>
      <People {...props} />
    </Modal>
  );
}

function People({ room, topic, onClose }: PeopleProps) {
  const users = room.users.value;
  return (
    <div class="people">
      <div class="people-head">
        <h2>{says.peopleCount(users.length)}</h2>
        <IconButton label={says.hidePeople} icon={<CloseIcon />} isSmall onClick={onClose} />
      </div>
      {/* Reached by the keyboard, since it scrolls. */}
      <div class="people-scroll scrolls" tabIndex={0} role="group" aria-label={says.people}>
        {topic !== '' && (
          <p class="people-about">
            <LinkedText text={topic} />
          </p>
        )}
        <ul>
          {users.map(({ name, you }) => (
            <li class="person" key={name}>
              <Avatar name={name} size="1.75rem" />
              <span class="person-name" title={name}>
                {name}
              </span>
              {you && <Badge>{says.you}</Badge>}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
