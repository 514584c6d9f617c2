import type { AdminUser } from '../../../protocol/admin.ts';
import { Badge } from '../../common/components/badge.tsx';
import { texts } from '../../common/texts.ts';
import { shortTime } from '../format.ts';

const said = texts.admin.users;

/** What is to be known of a user at a glance; of an ordinary one that he is, so that no cell is empty. */
export function StatusBadges({ user }: { user: AdminUser }) {
  const now = Date.now();
  const { ban, muted_until: mutedUntil } = user;
  const isPlain = !user.is_superuser && user.is_active && ban === null && mutedUntil === null && !user.is_online;
  return (
    <span class="badges">
      {user.is_online && <Badge tone="good">{said.online}</Badge>}
      {user.is_superuser && <Badge tone="accent">{said.superuser}</Badge>}
      {!user.is_active && <Badge tone="bad">{said.inactive}</Badge>}
      {ban !== null && (
        <Badge tone="bad">{ban.until === null ? said.banned : said.bannedUntil(shortTime(ban.until, now))}</Badge>
      )}
      {mutedUntil !== null && <Badge tone="warn">{said.mutedUntil(shortTime(mutedUntil, now))}</Badge>}
      {isPlain && <Badge>{said.ordinary}</Badge>}
    </span>
  );
}
