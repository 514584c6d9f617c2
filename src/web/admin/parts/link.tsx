/** Links within the administration: addresses, so that they open in a tab of their own too. */
import type { ComponentChildren } from 'preact';
import { Avatar } from '../../common/components/avatar.tsx';
import { hashOf, type Route, routes } from '../route.ts';

export function Link({
  to,
  children,
  isStrong = false,
}: {
  to: Route;
  children: ComponentChildren;
  isStrong?: boolean;
}) {
  return (
    <a href={hashOf(to)} class={isStrong ? 'link link-strong' : 'link'}>
      {children}
    </a>
  );
}

export function RoomLink({ name, isStrong = false }: { name: string; isStrong?: boolean }) {
  return (
    <Link to={routes.room(name)} isStrong={isStrong}>
      {name}
    </Link>
  );
}

export function UserLink({ name, isStrong = false }: { name: string; isStrong?: boolean }) {
  return (
    <Link to={routes.user(name)} isStrong={isStrong}>
      {name}
    </Link>
  );
}

export function UserChip({ name }: { name: string }) {
  return (
    <a href={hashOf(routes.user(name))} class="chip">
      <Avatar name={name} size="1.5rem" />
      <span>{name}</span>
    </a>
  );
}
