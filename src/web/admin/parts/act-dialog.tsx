/**
 * Asks before something is done: says what will happen, takes what is to be filled in, does it once, and shows beside
 * the fields, or above the buttons, why the server refused.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Button } from '../../common/components/button.tsx';
import { Dialog } from '../../common/components/dialog.tsx';
import { TextField } from '../../common/components/field.tsx';
import { Notice } from '../../common/components/notice.tsx';
import { texts } from '../../common/texts.ts';
import { type FormFaults, fieldFault } from '../faults.ts';
import { useAct } from '../hooks.ts';
import { useServices } from '../services.ts';

export type ActDialogProps = {
  title: string;
  /** What will happen, and the fields. */
  children: ComponentChildren | ((faults: FormFaults['fields']) => ComponentChildren);
  doLabel: string;
  isDanger?: boolean;
  /** Names of the fields that `children` show. */
  fields?: readonly string[];
  /** Rejects with what the server refused it with. Resolves with what is said when it is done. */
  act: () => Promise<string>;
  onClose: () => void;
  /** Where reading goes on when the act took away what opened the dialog; the page's heading where there is none. */
  goOnAt?: () => HTMLElement | null | undefined;
};

export function ActDialog({
  title,
  children,
  doLabel,
  isDanger = false,
  fields = [],
  act,
  onClose,
  goOnAt,
}: ActDialogProps) {
  const { toasts } = useServices();
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const doing = useAct(async () => {
    const done = await act();
    onClose();
    toasts.say(done);
    keepFocus(goOnAt);
  }, fields);
  const { faults, isBusy } = doing;
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  }, [faults]);
  // What is under way is not undone by closing: so it stays until it is known how it went.
  const close = (): void => {
    if (!isBusy) onClose();
  };
  return (
    <Dialog
      title={title}
      onClose={close}
      actions={
        <>
          <Button onClick={close} {...(fields.length === 0 && { autofocus: true })}>
            {texts.shared.cancel}
          </Button>
          <Button type="submit" form={id} look={isDanger ? 'danger' : 'primary'} isBusy={isBusy}>
            {doLabel}
          </Button>
        </>
      }
    >
      <form
        id={id}
        ref={form}
        class="dialog-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void doing.run();
        }}
      >
        {typeof children === 'function' ? children(faults.fields) : children}
        {faults.form.length > 0 && (
          <Notice tone="bad" role="alert">
            {faults.form.map((sentence) => (
              <p key={sentence}>{sentence}</p>
            ))}
          </Notice>
        )}
      </form>
    </Dialog>
  );
}

/** A closed dialog gives the focus back to what opened it, if that is still there once the act is shown. */
function keepFocus(goOnAt: ActDialogProps['goOnAt']): void {
  setTimeout(() => {
    if (document.activeElement !== document.body) return;
    const place = goOnAt?.() ?? document.querySelector<HTMLElement>('h1');
    place?.focus({ preventScroll: true });
  });
}

type TypedActDialogProps = Omit<ActDialogProps, 'children' | 'fields' | 'isDanger'> & {
  children: ComponentChildren;
  /** What has to be typed. */
  name: string;
  typeLabel: string;
  mismatch: string;
};

/** The same, for what cannot be undone: a name has to be typed. */
export function TypedActDialog({ name, typeLabel, mismatch, children, act, ...rest }: TypedActDialogProps) {
  const [typed, setTyped] = useState('');
  return (
    <ActDialog
      {...rest}
      isDanger
      fields={['typed']}
      act={async () => {
        if (typed.trim() !== name) throw fieldFault('typed', mismatch);
        return act();
      }}
    >
      {(faults) => (
        <>
          {children}
          <TextField
            label={typeLabel}
            value={typed}
            errors={faults['typed']}
            autofocus
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </>
      )}
    </ActDialog>
  );
}
