/** One user: the account, the presence in the chat, what limits the user, and tokens; and what can be done with each. */
import { type ComponentChildren, Fragment } from 'preact';
import { useState } from 'preact/hooks';
import type { AdminUserDetails } from '../../../protocol/admin.ts';
import { Avatar } from '../../common/components/avatar.tsx';
import { Badge } from '../../common/components/badge.tsx';
import { Button, LinkButton } from '../../common/components/button.tsx';
import { ChatIcon, ClockIcon } from '../../common/components/icons.tsx';
import { Notice } from '../../common/components/notice.tsx';
import { texts } from '../../common/texts.ts';
import { useRecord } from '../hooks.ts';
import { RoomLink } from '../parts/link.tsx';
import { Card, Facts, Page } from '../parts/page.tsx';
import { RecordView } from '../parts/record-view.tsx';
import { StatusBadges } from '../parts/status-badges.tsx';
import { Time } from '../parts/time.tsx';
import { hashOf, routes } from '../route.ts';
import { useMe, useServices } from '../services.ts';
import { type UserActName, UserActs } from './user-acts.tsx';
import { Tokens } from './user-tokens.tsx';

const said = texts.admin.user;
const names = texts.admin.users;
const up = { to: routes.users(), title: texts.admin.parts.users };

export function UserPage({ name }: { name: string }) {
  const { api } = useServices();
  const record = useRecord((options) => api.user(name, options), name);
  return (
    <RecordView
      record={record}
      title={name}
      up={up}
      goneTitle={names.gone(name)}
      goneHint={names.goneHint}
      backLabel={names.back}
    >
      {(user) => <User user={user} onChanged={(changed) => record.replace(changed)} reread={() => record.read()} />}
    </RecordView>
  );
}

type UserProps = {
  user: AdminUserDetails;
  onChanged: (user: AdminUserDetails) => void;
  reread: () => Promise<void>;
};

function User({ user, onChanged, reread }: UserProps) {
  const [act, setAct] = useState<UserActName | undefined>(undefined);
  const isYou = useMe() === user.username;
  const ask = (name: UserActName, label: string): ComponentChildren => (
    <Button isSmall onClick={() => setAct(name)}>
      {label}
    </Button>
  );
  const parts = { user, ask, isYou };
  return (
    <Page
      title={user.username}
      up={up}
      before={<Avatar name={user.username} size="3.25rem" />}
      after={
        <>
          <StatusBadges user={user} />
          {isYou && <Badge>{said.you}</Badge>}
        </>
      }
      lead={user.email === '' ? names.noEmail : user.email}
      actions={
        <>
          <LinkButton href={hashOf(routes.messages({ user: user.username }))}>
            <ChatIcon />
            {said.searchMessages}
          </LinkButton>
          <LinkButton href={hashOf(routes.audit({ target: user.username }))}>
            <ClockIcon />
            {said.audit}
          </LinkButton>
        </>
      }
    >
      {isYou && <Notice tone="info">{said.notYourself}</Notice>}
      <div class="columns columns-even">
        <Account {...parts} />
        <div class="column-side">
          <Presence {...parts} />
          <Limits {...parts} />
        </div>
      </div>
      <Tokens user={user} isYou={isYou} onRevoked={reread} />
      {act !== undefined && (
        <UserActs
          act={act}
          user={user}
          isYou={isYou}
          onChanged={onChanged}
          reread={reread}
          onClose={() => setAct(undefined)}
        />
      )}
    </Page>
  );
}

type PartProps = {
  user: AdminUserDetails;
  isYou: boolean;
  ask: (name: UserActName, label: string) => ComponentChildren;
};

function Account({ user, isYou, ask }: PartProps) {
  const role = user.is_superuser ? ask('demote', said.demote) : ask('promote', said.promote);
  const state = user.is_active ? ask('deactivate', said.deactivate) : ask('activate', said.activate);
  return (
    <Card title={said.account}>
      <Facts
        facts={[
          {
            title: said.role,
            value: user.is_superuser ? said.isSuperuser : said.isOrdinary,
            action: isYou ? undefined : role,
          },
          {
            title: said.state,
            value: user.is_active ? said.isActive : said.isInactive,
            action: isYou ? undefined : state,
          },
          { title: names.password, value: '••••••••', action: ask('password', said.password) },
          { title: names.createdAt, value: <Time iso={user.created_at} /> },
          { title: names.lastLogin, value: <Time iso={user.last_login_at} none={texts.admin.never} /> },
        ]}
      />
    </Card>
  );
}

function Presence({ user: { session }, isYou, ask }: PartProps) {
  return (
    <Card title={said.chat} actions={session === null || isYou ? undefined : ask('kick', said.kick)}>
      {session === null ? (
        <p class="soft">{said.offline}</p>
      ) : (
        <Facts
          facts={[
            { title: said.transport, value: texts.admin.now.transports[session.transport] },
            { title: said.since, value: <Time iso={session.since} /> },
            { title: said.inRooms, value: <RoomLinks names={session.rooms} /> },
          ]}
        />
      )}
    </Card>
  );
}

function RoomLinks({ names: rooms }: { names: readonly string[] }) {
  if (rooms.length === 0) return <span class="soft">{said.noRooms}</span>;
  return (
    <>
      {rooms.map((room, at) => (
        <Fragment key={room}>
          {at > 0 && ', '}
          <RoomLink name={room} />
        </Fragment>
      ))}
    </>
  );
}

function Limits({ user: { muted_until: mutedUntil, ban }, isYou, ask }: PartProps) {
  const speech = mutedUntil === null ? ask('mute', said.mute) : ask('unmute', said.unmute);
  const entry = ban === null ? ask('ban', said.ban) : ask('unban', said.unban);
  return (
    <Card title={said.limits}>
      <Facts
        facts={[
          {
            title: said.speech,
            value: mutedUntil === null ? said.maySpeak : <MutedUntil iso={mutedUntil} />,
            action: speech,
          },
          {
            title: said.entry,
            value: ban === null ? said.mayEnter : <Banned until={ban.until} reason={ban.reason} />,
            action: isYou ? undefined : entry,
          },
        ]}
      />
    </Card>
  );
}

function MutedUntil({ iso }: { iso: string }) {
  return (
    <>
      {said.mutedUntil} <Time iso={iso} />
    </>
  );
}

function Banned({ until, reason }: { until: string | null; reason: string }) {
  return (
    <>
      {until === null ? names.banned : said.bannedUntil} {until !== null && <Time iso={until} />}
      {reason !== '' && (
        <p class="cell-more">
          {said.banReason}: {reason}
        </p>
      )}
    </>
  );
}
