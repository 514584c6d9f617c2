/** What is filled in: a label above, a hint and the errors beneath, tied to the control for screen readers. */
import './field.css';
import type { ComponentChildren, JSX, PartialInputHTMLAttributes, PartialSelectHTMLAttributes, Ref } from 'preact';
import { useId, useState } from 'preact/hooks';
import { texts } from '../texts.ts';
import { IconButton } from './button.tsx';
import { AlertIcon, EyeIcon, EyeOffIcon } from './icons.tsx';

type About = { label: string; hint?: ComponentChildren; errors?: readonly string[] | undefined };
/** What ties a control to its label, hint and errors. */
export type ControlTies = { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true };

/** For a control of any kind: `children` makes it, and gives it the ties. */
export function Field({
  label,
  hint,
  errors = [],
  children,
}: About & { children: (ties: ControlTies) => JSX.Element }) {
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, errors.length > 0 && `${id}-errors`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      {children({
        id,
        ...(described !== '' && { 'aria-describedby': described }),
        ...(errors.length > 0 && { 'aria-invalid': true }),
      })}
      {hint !== undefined && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {errors.length > 0 && (
        <ul class="field-errors" id={`${id}-errors`}>
          {errors.map((error) => (
            <li key={error}>
              <AlertIcon size={14} />
              {error}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

type InputProps = Omit<
  PartialInputHTMLAttributes<HTMLInputElement>,
  'class' | 'id' | 'label' | 'list' | 'role' | 'type'
> & {
  inputRef?: Ref<HTMLInputElement>;
};

type TextType = 'text' | 'password' | 'email' | 'search' | 'number' | 'date' | 'datetime-local';

/** Preact's types tell inputs apart by a literal `type`; all of these take the same attributes. */
const sameAsText = (type: TextType): 'text' => type as 'text';

export function TextField({
  label,
  hint,
  errors,
  inputRef,
  type = 'text',
  ...rest
}: About & InputProps & { type?: TextType }) {
  return (
    <Field label={label} hint={hint} errors={errors}>
      {(ties) => <input {...rest} {...ties} type={sameAsText(type)} ref={inputRef ?? null} class="input" />}
    </Field>
  );
}

/** A password, that can be looked at while it is typed. */
export function PasswordField({ label, hint, errors, inputRef, ...rest }: About & InputProps) {
  const [isShown, setShown] = useState(false);
  return (
    <Field label={label} hint={hint} errors={errors}>
      {(ties) => (
        <div class="field-password">
          <input
            {...rest}
            {...ties}
            ref={inputRef ?? null}
            class="input"
            type={sameAsText(isShown ? 'text' : 'password')}
            autocapitalize="off"
            spellcheck={false}
          />
          <IconButton
            label={isShown ? texts.shared.hidePassword : texts.shared.showPassword}
            icon={isShown ? <EyeOffIcon /> : <EyeIcon />}
            aria-controls={ties.id}
            onClick={() => setShown(!isShown)}
          />
        </div>
      )}
    </Field>
  );
}

type SelectProps = Omit<PartialSelectHTMLAttributes<HTMLSelectElement>, 'class' | 'id' | 'label' | 'role' | 'size'>;

export function SelectField({ label, hint, errors, children, ...rest }: About & SelectProps) {
  return (
    <Field label={label} hint={hint} errors={errors}>
      {(ties) => (
        <select {...rest} {...ties} class="input">
          {children}
        </select>
      )}
    </Field>
  );
}

export function CheckField({ label, ...rest }: { label: ComponentChildren } & Omit<InputProps, 'inputRef'>) {
  return (
    <label class="check">
      <input {...rest} type="checkbox" />
      <span>{label}</span>
    </label>
  );
}
