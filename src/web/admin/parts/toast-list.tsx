import './toast-list.css';
import { useEffect, useState } from 'preact/hooks';
import { IconButton } from '../../shared/components/button.tsx';
import { CheckIcon, CloseIcon } from '../../shared/components/icons.tsx';
import { texts } from '../../shared/texts.ts';
import { useServices } from '../services.ts';
import type { Toast } from '../toasts.ts';

/** Long enough to read two sentences; what it tells is on the page, too. */
const shownMs = 8000;

/** Always there, though mostly empty: screen readers say only what changes in a region that they know. */
export function ToastList() {
  const { toasts } = useServices();
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.list.value.map((toast) => (
        <ToastBox key={toast.key} toast={toast} onDismiss={() => toasts.dismiss(toast.key)} />
      ))}
    </div>
  );
}

/** It stays while the pointer or the focus is on it. */
function ToastBox({ toast, onDismiss }: { toast: Toast; onDismiss: () => void }) {
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return undefined;
    const timer = setTimeout(onDismiss, shownMs);
    return () => clearTimeout(timer);
  }, [isHeld]);
  return (
    <div
      class="toast"
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocusIn={() => setHeld(true)}
      onFocusOut={() => setHeld(false)}
    >
      <CheckIcon />
      <span>{toast.text}</span>
      <IconButton label={texts.admin.dismiss} icon={<CloseIcon />} isSmall onClick={onDismiss} />
    </div>
  );
}
