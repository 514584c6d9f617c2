/** Where a user is logged in, and the tokens that programs of the user's have. */
import { useState } from 'preact/hooks';
import type { AdminToken, AdminUserDetails } from '../../../protocol/admin.ts';
import { Badge } from '../../common/components/badge.tsx';
import { Button } from '../../common/components/button.tsx';
import { texts } from '../../common/texts.ts';
import { fullTime } from '../format.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Card } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { useServices } from '../services.ts';

const said = texts.admin.user;

/** Whoever logs in every day has a month of them; the newest are looked for. */
const shownFirst = 8;

type TokensProps = { user: AdminUserDetails; isYou: boolean; onRevoked: () => Promise<void> };

export function Tokens({ user, isYou, onRevoked }: TokensProps) {
  const [doomed, setDoomed] = useState<AdminToken | undefined>(undefined);
  const [areAllShown, setAllShown] = useState(false);
  const hidden = areAllShown ? 0 : Math.max(0, user.tokens.length - shownFirst);
  return (
    <Card title={said.tokens}>
      {user.tokens.length === 0 ? (
        <p class="soft">{said.noTokens}</p>
      ) : (
        <Table
          caption={said.tokensCaption(user.username)}
          items={hidden > 0 ? user.tokens.slice(0, shownFirst) : user.tokens}
          keyOf={(token) => token.id}
          columns={[
            { title: said.token, cell: (token) => token.label ?? said.login },
            { title: said.tokenCreated, cell: (token) => <Time iso={token.created_at} /> },
            {
              title: said.tokenUsed,
              cell: (token) => <Time iso={token.last_used_at} none={texts.admin.never} />,
            },
            {
              title: said.tokenExpires,
              cell: (token) => <Expiry iso={token.expires_at} />,
            },
            {
              title: said.actions,
              isBare: true,
              cell: (token) => (
                <Button
                  isSmall
                  aria-label={said.revokeOne(token.label ?? said.login, fullTime(token.created_at))}
                  onClick={() => setDoomed(token)}
                >
                  {said.revoke}
                </Button>
              ),
            },
          ]}
        />
      )}
      {hidden > 0 && (
        <div>
          <Button isSmall onClick={() => setAllShown(true)}>
            {said.moreTokens(hidden)}
          </Button>
        </div>
      )}
      {doomed !== undefined && (
        <RevokeToken
          username={user.username}
          token={doomed}
          isYou={isYou}
          onClose={() => setDoomed(undefined)}
          onRevoked={onRevoked}
        />
      )}
    </Card>
  );
}

/** Expired tokens are listed for some time: they tell where the user was logged in. */
function Expiry({ iso }: { iso: string | null }) {
  const isOver = iso !== null && Date.parse(iso) <= Date.now();
  return (
    <span class="badges">
      <Time iso={iso} none={texts.admin.never} />
      {isOver && <Badge>{said.tokenExpired}</Badge>}
    </span>
  );
}

type RevokeTokenProps = {
  username: string;
  token: AdminToken;
  isYou: boolean;
  onClose: () => void;
  onRevoked: () => Promise<void>;
};

function RevokeToken({ username, token, isYou, onClose, onRevoked }: RevokeTokenProps) {
  const { api } = useServices();
  return (
    <ActDialog
      title={said.revokeTitle}
      doLabel={said.revoke}
      isDanger
      onClose={onClose}
      act={async () => {
        await api.revokeToken(username, token.id);
        await onRevoked();
        return said.revoked;
      }}
    >
      <p>
        <strong>{token.label ?? said.login}</strong>, {said.tokenCreated} <Time iso={token.created_at} />
      </p>
      <p>
        {said.revokeSays} {isYou && said.revokeSaysYou}
      </p>
    </ActDialog>
  );
}
