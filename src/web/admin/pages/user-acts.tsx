/** What is done to a user, each act with its question: what will happen is said before, and what has happened after. */
import { useState } from 'preact/hooks';
import type { AdminUserDetails } from '../../../protocol/admin.ts';
import { PasswordField } from '../../common/components/field.tsx';
import { texts } from '../../common/texts.ts';
import type { AdminApi } from '../api.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useServices } from '../services.ts';
import { BanDialog, MuteDialog } from './user-limits.tsx';

const said = texts.admin.user;

/** Those that need nothing but a yes. `run` resolves with the record where the server answers with it. */
type PlainAct = {
  title: (name: string) => string;
  says: (name: string) => string;
  label: string;
  done: (name: string) => string;
  isDanger?: boolean;
  run: (api: AdminApi, name: string) => Promise<AdminUserDetails | void>;
};

const plainActs = {
  promote: {
    title: said.promoteTitle,
    says: said.promoteSays,
    label: said.promote,
    done: said.promoted,
    run: (api, name) => api.changeUser(name, { is_superuser: true }),
  },
  demote: {
    title: said.demoteTitle,
    says: said.demoteSays,
    label: said.demote,
    done: said.demoted,
    isDanger: true,
    run: (api, name) => api.changeUser(name, { is_superuser: false }),
  },
  deactivate: {
    title: said.deactivateTitle,
    says: said.deactivateSays,
    label: said.deactivate,
    done: said.deactivated,
    isDanger: true,
    run: (api, name) => api.changeUser(name, { is_active: false }),
  },
  activate: {
    title: said.activateTitle,
    says: said.activateSays,
    label: said.activate,
    done: said.activated,
    run: (api, name) => api.changeUser(name, { is_active: true }),
  },
  kick: {
    title: said.kickTitle,
    says: said.kickSays,
    label: said.kick,
    done: said.kicked,
    isDanger: true,
    run: (api, name) => api.kick(name),
  },
  unmute: {
    title: said.unmuteTitle,
    says: said.unmuteSays,
    label: said.unmute,
    done: said.unmuted,
    run: (api, name) => api.unmute(name),
  },
  unban: {
    title: said.unbanTitle,
    says: said.unbanSays,
    label: said.unban,
    done: said.unbanned,
    run: (api, name) => api.unban(name),
  },
} as const satisfies Record<string, PlainAct>;

export type UserActName = keyof typeof plainActs | 'password' | 'mute' | 'ban';

export type UserActProps = {
  user: AdminUserDetails;
  isYou: boolean;
  onChanged: (user: AdminUserDetails) => void;
  /** For acts that are not answered with the record. */
  reread: () => Promise<void>;
  onClose: () => void;
};

export function UserActs({ act, ...props }: UserActProps & { act: UserActName }) {
  if (act === 'password') return <PasswordDialog {...props} />;
  if (act === 'mute') return <MuteDialog {...props} />;
  if (act === 'ban') return <BanDialog {...props} />;
  return <PlainDialog {...props} act={plainActs[act]} />;
}

function PlainDialog({ act, user, onChanged, reread, onClose }: UserActProps & { act: PlainAct }) {
  const { api } = useServices();
  const name = user.username;
  return (
    <ActDialog
      title={act.title(name)}
      doLabel={act.label}
      isDanger={act.isDanger ?? false}
      onClose={onClose}
      act={async () => {
        const changed = await act.run(api, name);
        if (changed === undefined) await reread();
        else onChanged(changed);
        return act.done(name);
      }}
    >
      <p>{act.says(name)}</p>
    </ActDialog>
  );
}

function PasswordDialog({ user, isYou, reread, onClose }: UserActProps) {
  const { api } = useServices();
  const [password, setPassword] = useState('');
  const name = user.username;
  return (
    <ActDialog
      title={said.passwordTitle(name)}
      doLabel={said.password}
      fields={['password']}
      onClose={onClose}
      act={async () => {
        await api.setPassword(name, password);
        await reread();
        return said.passwordSet(name);
      }}
    >
      {(faults) => (
        <>
          <p>{isYou ? said.passwordSaysYou : said.passwordSays(name)}</p>
          {/* For password managers: whose it is. */}
          <input type="text" autocomplete="username" value={name} readOnly hidden />
          <PasswordField
            label={said.passwordNew}
            hint={texts.admin.users.passwordHint}
            errors={faults['password']}
            value={password}
            autofocus
            autocomplete="new-password"
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </>
      )}
    </ActDialog>
  );
}
