/** Two forms on one card: log in, and register. What the server says to a field stands beside it. */
import '../../../common/components/entry.css';
import './tabs.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Brand } from '../../../common/components/brand.tsx';
import { Button } from '../../../common/components/button.tsx';
import { PasswordField, TextField } from '../../../common/components/field.tsx';
import { Notice } from '../../../common/components/notice.tsx';
import { ThemeSwitch } from '../../../common/components/theme-switch.tsx';
import { texts } from '../../../common/texts.ts';
import type { FormFaults, SignedOutReason } from '../../model/model.ts';
import { useModel } from '../context.ts';
import { hasMouse } from '../layout.ts';
import { goInstead } from '../router.ts';

type Form = 'login' | 'register';
const forms: readonly Form[] = ['login', 'register'];
const says = texts.chat.entry;
const noFaults: FormFaults = { fields: {}, form: [] };

export function SignIn({ reason }: { reason: SignedOutReason | undefined }) {
  const [form, setForm] = useState<Form>('login');
  // What was said before has been read by then.
  const [hasTried, setTried] = useState(false);
  const card = useRef<HTMLDivElement>(null);
  // Once: a tab that is chosen keeps the focus. On a phone the keyboard would cover the card.
  useEffect(() => {
    if (hasMouse.peek()) card.current?.querySelector('input')?.focus();
  }, []);
  useEffect(() => {
    // Whoever logs in next is not led into the room of who has just left.
    if (reason === 'signed-out') goInstead({ kind: 'rooms' });
  }, [reason]);
  return (
    <main class="entry">
      <div class="entry-column">
        <header class="entry-head">
          <h1>
            <Brand size={34} />
          </h1>
          <p>{says.claim}</p>
        </header>
        <div class="entry-card" ref={card}>
          {reason !== undefined && !hasTried && (
            <Notice tone={reason === 'kicked' ? 'bad' : 'info'} role="status">
              {says.reasons[reason]}
            </Notice>
          )}
          <Tabs selected={form} onSelect={setForm} />
          <div id="entry-panel" role="tabpanel" aria-labelledby={`tab-${form}`}>
            <EntryForm key={form} form={form} onTry={() => setTried(true)} />
          </div>
        </div>
        <div class="entry-theme">
          <ThemeSwitch />
        </div>
      </div>
    </main>
  );
}

/** The ARIA tabs pattern: one stop of the Tab key, arrows between them. */
function Tabs({ selected, onSelect }: { selected: Form; onSelect: (form: Form) => void }) {
  const root = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    const next = selected === 'login' ? 'register' : 'login';
    onSelect(next);
    root.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={says.forms} ref={root} onKeyDown={onKeyDown}>
      {forms.map((form) => (
        <button
          key={form}
          type="button"
          role="tab"
          id={`tab-${form}`}
          class="tab"
          aria-selected={form === selected}
          aria-controls="entry-panel"
          tabIndex={form === selected ? 0 : -1}
          onClick={() => onSelect(form)}
        >
          {says[form]}
        </button>
      ))}
    </div>
  );
}

/** The form's faults after it was sent; the first field with one gets the focus. */
function useSending(send: (fields: Record<string, string>) => Promise<FormFaults | undefined>) {
  const [faults, setFaults] = useState(noFaults);
  const [isBusy, setBusy] = useState(false);
  const ref = useRef<HTMLFormElement>(null);
  useEffect(() => {
    ref.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [faults]);
  const onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy || ref.current === null) return;
    setBusy(true);
    const fields = Object.fromEntries(
      Array.from(new FormData(ref.current), ([name, value]) => [name, typeof value === 'string' ? value : '']),
    );
    const found = await send(fields);
    setBusy(false);
    setFaults(found ?? noFaults);
  };
  return { ref, faults, isBusy, onSubmit };
}

function EntryForm({ form, onTry }: { form: Form; onTry: () => void }) {
  const model = useModel();
  const { ref, faults, isBusy, onSubmit } = useSending(({ username = '', password = '', email = '' }) => {
    onTry();
    return form === 'login' ? model.login({ username, password }) : model.register({ username, password, email });
  });
  const isNew = form === 'register';
  return (
    <form ref={ref} class="entry-form" noValidate onSubmit={(event) => void onSubmit(event)}>
      {faults.form.length > 0 && (
        <Notice tone="bad" role="alert">
          {faults.form.join(' ')}
        </Notice>
      )}
      <TextField
        label={says.username}
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        {...(isNew && { hint: says.usernameHint })}
        errors={faults.fields['username']}
      />
      {isNew && (
        <TextField
          label={says.email}
          name="email"
          type="email"
          autocomplete="email"
          required
          errors={faults.fields['email']}
        />
      )}
      <PasswordField
        label={says.password}
        name="password"
        autocomplete={isNew ? 'new-password' : 'current-password'}
        required
        {...(isNew && { hint: says.passwordHint })}
        errors={faults.fields['password']}
      />
      <Button type="submit" look="primary" isWide isBusy={isBusy}>
        {isNew ? says.submitRegister : says.submitLogin}
      </Button>
    </form>
  );
}
