import './toast.css';
import { useEffect, useState } from 'preact/hooks';
import { IconButton } from '../../shared/components/button.tsx';
import { AlertIcon, CloseIcon } from '../../shared/components/icons.tsx';
import { texts } from '../../shared/texts.ts';
import { useModel } from './context.ts';
import { focusWriting } from './focus.ts';

/** Long enough to read two sentences; what it says is in Server Logs, too. */
const shownMs = 8_000;

/** What went wrong last, for a while: it stays while the pointer or the focus is on it. */
export function Toast() {
  const model = useModel();
  const notice = model.notice.value;
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    // A box that goes away does not tell that the pointer has left it.
    if (notice === undefined) setHeld(false);
    if (notice === undefined || isHeld) return undefined;
    const timer = setTimeout(() => model.dismissNotice(), shownMs);
    return () => clearTimeout(timer);
  }, [notice, isHeld]);
  return (
    <div class="toast" role="status" aria-live="polite">
      {notice !== undefined && (
        <div
          class="toast-box"
          onMouseEnter={() => setHeld(true)}
          onMouseLeave={() => setHeld(false)}
          onFocusIn={() => setHeld(true)}
          onFocusOut={() => setHeld(false)}
        >
          <AlertIcon />
          <span>{notice}</span>
          <IconButton
            label={texts.chat.dismiss}
            icon={<CloseIcon />}
            isSmall
            onClick={() => {
              model.dismissNotice();
              focusWriting();
            }}
          />
        </div>
      )}
    </div>
  );
}
