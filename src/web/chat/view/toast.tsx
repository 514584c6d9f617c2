import './toast.css';
import { AlertIcon } from '../../common/components/icons.tsx';
import { ToastBox } from '../../common/components/toast.tsx';
import { useModel } from './context.ts';
import { focusWriting } from './focus.ts';

/** What went wrong last, for a while; it is in Server Logs, too. */
export function Toast() {
  const model = useModel();
  const notice = model.notice.value;
  return (
    <div class="toast" role="status" aria-live="polite">
      {notice !== undefined && (
        <ToastBox
          key={notice}
          icon={<AlertIcon />}
          text={notice}
          onDismiss={(isByHand) => {
            model.dismissNotice();
            if (isByHand) focusWriting();
          }}
        />
      )}
    </div>
  );
}
