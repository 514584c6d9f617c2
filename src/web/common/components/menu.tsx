/**
 * A button with a list of things to do (the ARIA menu button pattern): arrows, Home, End and letters move in it; Escape,
 * Tab, a choice or a press elsewhere closes it, and the button has the focus again.
 */
import './menu.css';
import { type ComponentChildren, createContext, type JSX } from 'preact';
import { useContext, useEffect, useId, useRef, useState } from 'preact/hooks';
import { CheckIcon } from './icons.tsx';

type MenuProps = {
  /** The button: it must spread what it is given. */
  button: (ties: {
    id: string;
    'aria-haspopup': 'menu';
    'aria-expanded': boolean;
    'aria-controls': string;
    onClick: () => void;
    onKeyDown: (event: KeyboardEvent) => void;
  }) => JSX.Element;
  children: ComponentChildren;
  /** Where the list is, seen from the button. */
  side?: 'down' | 'up';
  align?: 'start' | 'end';
};

const Close = createContext<() => void>(() => {});

const itemsOf = (list: HTMLElement | null): HTMLElement[] =>
  Array.from(list?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? []);

/** Which item a key goes to; undefined: the key is not the menu's. */
function moveTo(items: readonly HTMLElement[], key: string): HTMLElement | undefined {
  const at = items.findIndex((item) => item === document.activeElement);
  if (key === 'ArrowDown') return items[(at + 1) % items.length];
  if (key === 'ArrowUp') return items.at(at <= 0 ? -1 : at - 1);
  if (key === 'Home') return items[0];
  if (key === 'End') return items.at(-1);
  if (key.length !== 1 || key === ' ') return undefined;
  const after = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  return after.find((item) => item.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()));
}

/** Closes it when something outside is pressed. */
function usePressElsewhere(isOpen: boolean, inside: { current: HTMLElement | null }, close: () => void): void {
  useEffect(() => {
    if (!isOpen) return undefined;
    const onPress = (event: Event): void => {
      if (!(event.target instanceof Node && inside.current?.contains(event.target))) close();
    };
    document.addEventListener('pointerdown', onPress);
    return () => document.removeEventListener('pointerdown', onPress);
  }, [isOpen]);
}

export function Menu({ button, children, side = 'down', align = 'end' }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const returnFocus = (): void => {
    setOpen(false);
    root.current?.querySelector<HTMLElement>('[aria-haspopup]')?.focus();
  };
  usePressElsewhere(isOpen, root, () => setOpen(false));
  useEffect(() => {
    if (isOpen) itemsOf(list.current)[0]?.focus();
  }, [isOpen]);

  const onListKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      returnFocus();
    } else if (event.key === 'Tab') setOpen(false);
    else {
      const item = moveTo(itemsOf(list.current), event.key);
      if (item === undefined) return;
      event.preventDefault();
      item.focus();
    }
  };
  return (
    <div class={`menu menu-${side} menu-${align}`} ref={root}>
      {button({
        id: `${id}-button`,
        'aria-haspopup': 'menu',
        'aria-expanded': isOpen,
        'aria-controls': id,
        onClick: () => setOpen(!isOpen),
        onKeyDown: (event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
          event.preventDefault();
          setOpen(true);
        },
      })}
      {isOpen && (
        <div ref={list} id={id} role="menu" aria-labelledby={`${id}-button`} class="menu-list" onKeyDown={onListKey}>
          <Close.Provider value={returnFocus}>{children}</Close.Provider>
        </div>
      )}
    </div>
  );
}

type MenuItemProps = {
  icon?: ComponentChildren;
  children: ComponentChildren;
  onChoose?: () => void;
  href?: string;
  isDanger?: boolean;
  /** Given: it is a choice that is on or off, and the menu stays open. */
  isChecked?: boolean;
  /** One of several that exclude each other. */
  isRadio?: boolean;
};

export function MenuItem({ icon, children, onChoose, href, isDanger, isChecked, isRadio }: MenuItemProps) {
  const close = useContext(Close);
  const isChoice = isChecked !== undefined;
  const looks = isDanger ? 'menu-item menu-item-danger' : 'menu-item';
  const content = (
    <>
      {icon}
      <span>{children}</span>
      {isChecked && <CheckIcon size={16} />}
    </>
  );
  if (href !== undefined) {
    return (
      <a role="menuitem" tabIndex={-1} class={looks} href={href}>
        {content}
      </a>
    );
  }
  return (
    <button
      type="button"
      role={isChoice ? (isRadio ? 'menuitemradio' : 'menuitemcheckbox') : 'menuitem'}
      {...(isChoice && { 'aria-checked': isChecked })}
      tabIndex={-1}
      class={looks}
      onClick={() => {
        // First the focus goes back: what is chosen may move it on.
        if (!isChoice) close();
        onChoose?.();
      }}
    >
      {content}
    </button>
  );
}

/** Items that belong together, under their name. */
export function MenuGroup({ label, children }: { label: string; children: ComponentChildren }) {
  const id = useId();
  return (
    // Not a fieldset: in a menu groups are groups.
    <div role="group" aria-labelledby={id}>
      <div class="menu-label" id={id}>
        {label}
      </div>
      {children}
    </div>
  );
}

export function MenuLine() {
  return <hr class="menu-line" />;
}
