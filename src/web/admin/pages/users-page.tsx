/** All users: found, looked into, made. */
import { useState } from 'preact/hooks';
import type { AdminUser } from '../../../protocol/admin.ts';
import { limits } from '../../../protocol/limits.ts';
import { Avatar } from '../../common/components/avatar.tsx';
import { Button } from '../../common/components/button.tsx';
import { Empty } from '../../common/components/empty.tsx';
import { CheckField, PasswordField, TextField } from '../../common/components/field.tsx';
import { PlusIcon, SearchIcon, UsersIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import type { NewUser } from '../api.ts';
import { useList } from '../hooks.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { UserLink } from '../parts/link.tsx';
import { ListView } from '../parts/list-view.tsx';
import { Page } from '../parts/page.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { StatusBadges } from '../parts/status-badges.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { routes } from '../route.ts';
import { useServices } from '../services.ts';

const said = texts.admin.users;

const columns: readonly Column<AdminUser>[] = [
  {
    title: said.name,
    sortBy: (user) => user.username,
    cell: (user) => (
      <div class="who">
        <Avatar name={user.username} />
        <div class="who-words">
          <UserLink name={user.username} isStrong />
          {user.email !== '' && <p class="cell-more">{user.email}</p>}
        </div>
      </div>
    ),
  },
  { title: said.status, cell: (user) => <StatusBadges user={user} /> },
  {
    title: said.lastLogin,
    sortBy: (user) => user.last_login_at ?? '',
    sortFirst: 'descending',
    cell: (user) => <Time iso={user.last_login_at} none={texts.admin.never} />,
  },
  {
    title: said.createdAt,
    sortBy: (user) => user.created_at,
    sortFirst: 'descending',
    cell: (user) => <Time iso={user.created_at} />,
  },
];

export function UsersPage({ search }: { search: string }) {
  const { api, router } = useServices();
  const [isCreating, setCreating] = useState(false);
  const list = useList((text: string, wish) => api.users(text, { ...wish, limit: limits.pageRows }), search);
  return (
    <Page
      title={texts.admin.parts.users}
      actions={
        <Button look="primary" onClick={() => setCreating(true)}>
          <PlusIcon />
          {said.create}
        </Button>
      }
    >
      <SearchBox
        label={said.search}
        hint={said.searchHint}
        value={search}
        onSearch={(text) => router.replace(routes.users(text))}
      />
      <ListView list={list} empty={<NoUsers isSearch={search !== ''} />}>
        {(users, isStale) => (
          <Table
            caption={said.caption}
            columns={columns}
            items={users}
            keyOf={(user) => user.id}
            isStale={isStale}
            canSort={!list.hasMore.value}
          />
        )}
      </ListView>
      {isCreating && <CreateUser onClose={() => setCreating(false)} />}
    </Page>
  );
}

function NoUsers({ isSearch }: { isSearch: boolean }) {
  return isSearch ? (
    <Empty icon={<SearchIcon size={28} />} title={texts.admin.list.nothingFound}>
      <p>{texts.admin.list.nothingFoundHint}</p>
    </Empty>
  ) : (
    <Empty icon={<UsersIcon size={28} />} title={said.empty} />
  );
}

function CreateUser({ onClose }: { onClose: () => void }) {
  const { api, router } = useServices();
  const [user, setUser] = useState<NewUser>({ username: '', password: '', email: '', is_superuser: false });
  const tie = (name: 'username' | 'password' | 'email') => ({
    value: user[name],
    onInput: (event: { currentTarget: HTMLInputElement }) => setUser({ ...user, [name]: event.currentTarget.value }),
  });
  return (
    <ActDialog
      title={said.createTitle}
      doLabel={said.createDo}
      fields={['username', 'password', 'email']}
      onClose={onClose}
      act={async () => {
        const created = await api.createUser({ ...user, username: user.username.trim(), email: user.email.trim() });
        router.go(routes.user(created.username));
        return said.created(created.username);
      }}
    >
      {(faults) => (
        <>
          <TextField
            label={said.username}
            hint={said.usernameHint}
            errors={faults['username']}
            autofocus
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            {...tie('username')}
          />
          <PasswordField
            label={said.password}
            hint={said.passwordHint}
            errors={faults['password']}
            autocomplete="new-password"
            {...tie('password')}
          />
          <TextField
            label={said.emailOptional}
            errors={faults['email']}
            type="email"
            autocomplete="off"
            {...tie('email')}
          />
          <CheckField
            label={said.makeSuperuser}
            checked={user.is_superuser}
            onChange={(event) => setUser({ ...user, is_superuser: event.currentTarget.checked })}
          />
        </>
      )}
    </ActDialog>
  );
}
