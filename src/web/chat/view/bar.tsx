import type { ComponentChildren } from 'preact';
import { IconButton } from '../../common/components/button.tsx';
import { ArrowLeftIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import { ConnectionState } from './connection.tsx';
import { goUp } from './router.ts';

type BarProps = { icon: ComponentChildren; title: string; about: string; children?: ComponentChildren };

/** The bar over a room or the log: where one is, and on a phone the way back and the connection. */
export function Bar({ icon, title, about, children }: BarProps) {
  return (
    <header class="bar">
      <div class="bar-back">
        <IconButton label={texts.chat.room.back} icon={<ArrowLeftIcon />} onClick={() => goUp({ kind: 'rooms' })} />
      </div>
      <div class="bar-words">
        <h1 tabIndex={-1} data-heading>
          {icon}
          <span>{title}</span>
        </h1>
        {about !== '' && <p title={about}>{about}</p>}
      </div>
      <div class="bar-connection">
        <ConnectionState isBrief />
      </div>
      {children}
    </header>
  );
}
