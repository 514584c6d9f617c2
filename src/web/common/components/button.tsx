/** What is pressed: a button, or a link that looks like one. */
import './button.css';
import type { ComponentChildren, JSX, PartialAnchorHTMLAttributes, Ref } from 'preact';
import { Spinner } from './spinner.tsx';

export type ButtonLook = 'plain' | 'primary' | 'danger' | 'quiet';
type Looks = { look?: ButtonLook; isSmall?: boolean; isWide?: boolean };

function classesOf({ look = 'plain', isSmall, isWide }: Looks, more?: string): string {
  return [`button button-${look}`, isSmall && 'button-small', isWide && 'button-wide', more].filter(Boolean).join(' ');
}

type ButtonProps = Omit<JSX.IntrinsicElements['button'], 'class' | 'ref' | 'icon'> &
  Looks & {
    children: ComponentChildren;
    /** What it does is under way: it shows so, and takes no second press. */
    isBusy?: boolean;
    buttonRef?: Ref<HTMLButtonElement>;
  };

export function Button({ look, isSmall, isWide, isBusy, buttonRef, children, ...rest }: ButtonProps) {
  const looks = classesOf({ ...(look && { look }), ...(isSmall && { isSmall }), ...(isWide && { isWide }) });
  // Not `disabled` while busy: the focus would be lost.
  const busy = isBusy ? { 'aria-disabled': true as const, onClick: (event: Event) => event.preventDefault() } : {};
  return (
    <button type="button" {...rest} {...busy} ref={buttonRef ?? null} class={looks}>
      {isBusy && <Spinner />}
      {children}
    </button>
  );
}

type IconButtonProps = Omit<JSX.IntrinsicElements['button'], 'class' | 'ref' | 'children' | 'icon'> & {
  /** Said by screen readers, and shown as a hint. */
  label: string;
  icon: ComponentChildren;
  look?: ButtonLook;
  isSmall?: boolean;
  buttonRef?: Ref<HTMLButtonElement>;
};

export function IconButton({ label, icon, look = 'quiet', isSmall, buttonRef, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      {...rest}
      aria-label={label}
      ref={buttonRef ?? null}
      class={classesOf({ look, ...(isSmall && { isSmall }) }, 'button-icon')}
    >
      {icon}
    </button>
  );
}

type LinkButtonProps = Omit<PartialAnchorHTMLAttributes<HTMLAnchorElement>, 'class' | 'href' | 'role'> &
  Looks & { href: string; children: ComponentChildren };

export function LinkButton({ look, isSmall, isWide, children, ...rest }: LinkButtonProps) {
  const looks = classesOf({ ...(look && { look }), ...(isSmall && { isSmall }), ...(isWide && { isWide }) });
  return (
    <a {...rest} class={looks}>
      {children}
    </a>
  );
}
