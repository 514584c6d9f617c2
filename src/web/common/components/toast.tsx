/** Words beside the page about what was just done, or went wrong. Where they stand is each page's business. */
import './toast.css';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { texts } from '../texts.ts';
import { IconButton } from './button.tsx';
import { CloseIcon } from './icons.tsx';

/** Long enough to read two sentences; what it says is to be found on the page, too. */
const shownMs = 8_000;

type ToastBoxProps = { icon: ComponentChildren; text: string; onDismiss: (isByHand: boolean) => void };

/** It goes by itself, but stays while the pointer or the focus is on it. */
export function ToastBox({ icon, text, onDismiss }: ToastBoxProps) {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return undefined;
    const timer = setTimeout(() => onDismiss(false), shownMs);
    return () => clearTimeout(timer);
  }, [isHeld]);
  return (
    <div
      class="toast-box"
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocusIn={() => setHeld(true)}
      onFocusOut={() => setHeld(false)}
    >
      {icon}
      <span>{text}</span>
      <IconButton label={texts.shared.dismiss} icon={<CloseIcon />} isSmall onClick={() => onDismiss(true)} />
    </div>
  );
}
