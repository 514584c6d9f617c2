/**
 * A modal dialog: the browser's own, so that the rest of the page rests, Escape closes it, and the focus comes back to
 * where it was. It is open as long as it is rendered.
 */
import './dialog.css';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { texts } from '../texts.ts';
import { IconButton } from './button.tsx';
import { CloseIcon } from './icons.tsx';

type DialogProps = {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons at its end. The first thing in it that can be focused is focused, or what has `autofocus`. */
  actions?: ComponentChildren;
  isWide?: boolean;
};

export function Dialog({ title, onClose, children, actions, isWide = false }: DialogProps) {
  const id = useId();
  return (
    <Modal class={isWide ? 'dialog dialog-wide' : 'dialog'} aria-labelledby={id} onClose={onClose}>
      <div class="dialog-box">
        <header class="dialog-head">
          <h2 id={id}>{title}</h2>
          <IconButton label={texts.shared.close} icon={<CloseIcon />} isSmall onClick={onClose} />
        </header>
        {children}
        {actions !== undefined && <div class="dialog-actions">{actions}</div>}
      </div>
    </Modal>
  );
}

type Named = { 'aria-label': string } | { 'aria-labelledby': string };
type ModalProps = Named & { class: string; onClose: () => void; children: ComponentChildren };

/** Its mere behaviour, whatever it looks like. */
export function Modal({ onClose, children, ...rest }: ModalProps) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      {...rest}
      ref={ref}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // Its content fills it: only the backdrop is the dialog itself.
      onPointerDown={(event) => event.target === ref.current && onClose()}
    >
      {children}
    </dialog>
  );
}
