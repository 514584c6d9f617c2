/** What stands in front of the administration: its log-in, and why somebody does not get past it. */
import '../common/components/entry.css';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Brand } from '../common/components/brand.tsx';
import { Button, LinkButton } from '../common/components/button.tsx';
import { PasswordField, TextField } from '../common/components/field.tsx';
import { Notice } from '../common/components/notice.tsx';
import { Spinner } from '../common/components/spinner.tsx';
import { ThemeSwitch } from '../common/components/theme-switch.tsx';
import { texts } from '../common/texts.ts';
import type { Access } from './access.ts';
import { sentenceOf } from './faults.ts';
import { useAct } from './hooks.ts';
import { useServices } from './services.ts';

const said = texts.admin.login;

export function AccessPage({ access }: { access: Exclude<Access, { kind: 'granted' }> }) {
  useEffect(() => {
    document.title = texts.admin.title;
  }, []);
  return (
    <main class="entry">
      <div class="entry-column">
        <header class="entry-head">
          <Brand size={34} />
          <p>{texts.admin.short}</p>
        </header>
        <div class="entry-card">
          <Face access={access} />
        </div>
        <div class="entry-theme">
          <ThemeSwitch />
        </div>
      </div>
    </main>
  );
}

function Face({ access }: { access: Exclude<Access, { kind: 'granted' }> }) {
  switch (access.kind) {
    case 'checking':
      return (
        <p class="access-wait" role="status">
          <Spinner /> {said.checking}
        </p>
      );
    case 'signed-out':
      return <LogIn why={access.why} />;
    case 'forbidden':
      return <Forbidden username={access.username} />;
    default:
      return <Away fault={access.fault} />;
  }
}

/** A heading that has the focus when it appears: what was there before is gone. */
function Heading({ children }: { children: ComponentChildren }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return (
    <h1 ref={ref} tabIndex={-1}>
      {children}
    </h1>
  );
}

function LogIn({ why }: { why: 'logged-out' | 'ended' | undefined }) {
  const { access } = useServices();
  const form = useRef<HTMLFormElement>(null);
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  useEffect(() => {
    // On a phone the keyboard would cover the card.
    if (matchMedia('(pointer: fine)').matches) form.current?.querySelector('input')?.focus();
  }, []);
  const act = useAct(() => access.login({ username: username.trim(), password }), ['username', 'password']);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  }, [act.faults]);
  return (
    <form
      ref={form}
      class="entry-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void act.run();
      }}
    >
      <h1>{said.heading}</h1>
      {why !== undefined && (
        <Notice tone="info" role="status">
          {why === 'ended' ? said.ended : said.loggedOut}
        </Notice>
      )}
      {act.faults.form.length > 0 && (
        <Notice tone="bad" role="alert">
          {act.faults.form.join(' ')}
        </Notice>
      )}
      <TextField
        label={said.username}
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        value={username}
        errors={act.faults.fields['username']}
        onInput={(event) => setUsername(event.currentTarget.value)}
      />
      <PasswordField
        label={said.password}
        name="password"
        autocomplete="current-password"
        required
        value={password}
        errors={act.faults.fields['password']}
        onInput={(event) => setPassword(event.currentTarget.value)}
      />
      <Button type="submit" look="primary" isWide isBusy={act.isBusy}>
        {said.submit}
      </Button>
    </form>
  );
}

function Forbidden({ username }: { username: string | undefined }) {
  const { access } = useServices();
  return (
    <>
      <Heading>{said.forbidden(username)}</Heading>
      <p>{said.forbiddenHint}</p>
      <LinkButton look="primary" isWide href="./">
        {texts.admin.toChat}
      </LinkButton>
      <Button isWide onClick={() => void access.logout()}>
        {said.somebodyElse}
      </Button>
      <p class="field-hint">{said.somebodyElseHint}</p>
    </>
  );
}

function Away({ fault }: { fault: unknown }) {
  const { access } = useServices();
  return (
    <>
      <Heading>{said.away}</Heading>
      <p role="alert">{sentenceOf(fault)}</p>
      <Button look="primary" isWide onClick={() => void access.check()}>
        {texts.admin.tryAgain}
      </Button>
    </>
  );
}
