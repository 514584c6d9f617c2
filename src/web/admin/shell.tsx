/** The administration while somebody administers: its parts at the side, on phones in a menu at the top, and a page. */
import './shell.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Avatar } from '../common/components/avatar.tsx';
import { Brand } from '../common/components/brand.tsx';
import { Button, IconButton } from '../common/components/button.tsx';
import {
  ChatIcon,
  CloseIcon,
  HashIcon,
  LogOutIcon,
  MenuIcon,
  PulseIcon,
  ScrollIcon,
  SearchIcon,
  UsersIcon,
} from '../common/components/icons.tsx';
import { ThemeSwitch } from '../common/components/theme-switch.tsx';
import { texts } from '../common/texts.ts';
import { CurrentPage } from './current-page.tsx';
import { hashOf, partOf, routes } from './route.ts';
import { useMe, useServices } from './services.ts';

const parts = [
  { part: 'now', to: routes.now(), Icon: PulseIcon },
  { part: 'rooms', to: routes.rooms(), Icon: HashIcon },
  { part: 'messages', to: routes.messages(), Icon: SearchIcon },
  { part: 'users', to: routes.users(), Icon: UsersIcon },
  { part: 'audit', to: routes.audit(), Icon: ScrollIcon },
] as const;

export function Shell() {
  const main = useRef<HTMLElement>(null);
  return (
    <div class="shell">
      <button type="button" class="skip-link" onClick={() => main.current?.focus()}>
        {texts.admin.skip}
      </button>
      <Side />
      <main ref={main} class="shell-main" tabIndex={-1}>
        <div class="shell-page">
          <CurrentPage />
        </div>
      </main>
    </div>
  );
}

function Side() {
  const { router } = useServices();
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const route = router.route.value;
  // Wherever one goes, the menu has done its work.
  useEffect(() => setOpen(false), [route]);
  return (
    <header
      class="side"
      data-open={isOpen}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !isOpen) return;
        setOpen(false);
        button.current?.focus();
      }}
    >
      <div class="side-head">
        <a class="side-brand" href={hashOf(routes.now())}>
          <Brand />
          <span class="side-mark">{texts.admin.short}</span>
        </a>
        <div class="side-button">
          <IconButton
            label={texts.admin.menu}
            icon={isOpen ? <CloseIcon /> : <MenuIcon />}
            aria-expanded={isOpen}
            aria-controls="side-rest"
            buttonRef={button}
            onClick={() => setOpen(!isOpen)}
          />
        </div>
      </div>
      <div class="side-rest scrolls" id="side-rest">
        <Parts current={partOf(route.page)} />
        <Account />
      </div>
    </header>
  );
}

function Parts({ current }: { current: ReturnType<typeof partOf> }) {
  return (
    <nav aria-label={texts.admin.navigation}>
      <ul class="side-parts">
        {parts.map(({ part, to, Icon }) => (
          <li key={part}>
            <a href={hashOf(to)} class="side-part" {...(part === current && { 'aria-current': 'page' })}>
              <Icon />
              {texts.admin.parts[part]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Account() {
  const { access } = useServices();
  const me = useMe();
  return (
    <div class="side-account">
      <a class="side-part" href="./">
        <ChatIcon />
        {texts.admin.toChat}
      </a>
      <ThemeSwitch />
      <div class="side-me">
        <Avatar name={me} />
        <div class="side-me-words">
          <span class="soft side-me-label">{texts.admin.loggedInAs}</span>
          <a href={hashOf(routes.user(me))} class="link link-strong">
            {me}
          </a>
        </div>
        <Button look="quiet" isSmall title={texts.admin.logOut} onClick={() => void access.logout()}>
          <LogOutIcon />
          <span class="only-heard">{texts.admin.logOut}</span>
        </Button>
      </div>
    </div>
  );
}
