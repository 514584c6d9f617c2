import './toast-list.css';
import { CheckIcon } from '../../common/components/icons.tsx';
import { ToastBox } from '../../common/components/toast.tsx';
import { useServices } from '../services.ts';

/** Always there, though mostly empty: screen readers say only what changes in a region that they know. */
export function ToastList() {
  const { toasts } = useServices();
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.list.value.map(({ key, text }) => (
        <ToastBox key={key} icon={<CheckIcon />} text={text} onDismiss={() => toasts.dismiss(key)} />
      ))}
    </div>
  );
}
