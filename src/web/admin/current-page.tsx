/** Which page the address names. */
import { LinkButton } from '../common/components/button.tsx';
import { Empty } from '../common/components/empty.tsx';
import { SearchIcon } from '../common/components/icons.tsx';
import { texts } from '../common/texts.ts';
import { AuditPage } from './pages/audit-page.tsx';
import { MessagesPage } from './pages/messages-page.tsx';
import { NowPage } from './pages/now-page.tsx';
import { RoomPage } from './pages/room-page.tsx';
import { RoomsPage } from './pages/rooms-page.tsx';
import { UserPage } from './pages/user-page.tsx';
import { UsersPage } from './pages/users-page.tsx';
import { Page } from './parts/page.tsx';
import { hashOf, routes } from './route.ts';
import { useServices } from './services.ts';

export function CurrentPage() {
  const route = useServices().router.route.value;
  switch (route.page) {
    case 'now':
      return <NowPage />;
    case 'rooms':
      return <RoomsPage search={route.search} />;
    case 'room':
      return <RoomPage key={route.name} name={route.name} />;
    case 'messages': {
      const { page: _, ...filter } = route;
      return <MessagesPage filter={filter} />;
    }
    case 'users':
      return <UsersPage search={route.search} />;
    case 'user':
      return <UserPage key={route.name} name={route.name} />;
    case 'audit': {
      const { page: _, ...filter } = route;
      return <AuditPage filter={filter} />;
    }
    default:
      return <UnknownPage />;
  }
}

function UnknownPage() {
  return (
    <Page title={texts.admin.notFound}>
      <Empty icon={<SearchIcon size={28} />} title={texts.admin.unknownPage}>
        <p>{texts.admin.unknownPageHint}</p>
        <LinkButton href={hashOf(routes.now())}>{texts.admin.toNow}</LinkButton>
      </Empty>
    </Page>
  );
}
