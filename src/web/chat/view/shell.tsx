/** The page while one chats: the rooms at the side, in the middle what the address says. */
import './shell.css';
import { Brand } from '../../common/components/brand.tsx';
import { texts } from '../../common/texts.ts';
import { AccountMenu } from './account-menu.tsx';
import { useAttention } from './attention.ts';
import { ConnectionState } from './connection.tsx';
import { useKeptFocus } from './focus.ts';
import { useFollow } from './follow.ts';
import { isNarrow } from './layout.ts';
import { LogPage } from './log-page.tsx';
import { RoomPage } from './room/room-page.tsx';
import { RoomList } from './rooms/room-list.tsx';
import { hashOf } from './route.ts';
import { route } from './router.ts';
import { Welcome } from './welcome.tsx';

export function Shell() {
  const at = route.value;
  useFollow();
  useAttention();
  useKeptFocus(hashOf(at));
  return (
    <>
      {at.kind === 'room' && (
        <a
          class="skip-link"
          href="#composer"
          onClick={(event) => {
            // The address says where one is, and stays.
            event.preventDefault();
            document.querySelector<HTMLElement>('#composer')?.focus();
          }}
        >
          {texts.chat.skipToComposer}
        </a>
      )}
      <div class="shell" data-at={at.kind === 'rooms' ? 'rooms' : 'place'}>
        <div class="shell-side">
          <header class="side-head">
            {at.kind === 'rooms' ? (
              <h1 tabIndex={-1} data-heading>
                <Brand />
              </h1>
            ) : (
              <Brand />
            )}
          </header>
          {/* On a phone the rooms are the page's main thing, while no place is shown. */}
          <div class="side-rooms" {...(isNarrow.value && at.kind === 'rooms' && { role: 'main' as const })}>
            <RoomList />
          </div>
          <footer class="side-foot">
            <AccountMenu />
            <ConnectionState />
          </footer>
        </div>
        <main class="shell-main">
          {at.kind === 'room' && <RoomPage key={at.name} name={at.name} isPeopleShown={at.isPeopleShown} />}
          {at.kind === 'log' && <LogPage />}
          {at.kind === 'rooms' && <Welcome />}
        </main>
      </div>
    </>
  );
}
