import './notice.css';
import type { ComponentChildren } from 'preact';
import { AlertIcon, CheckIcon, InfoIcon } from './icons.tsx';

export type NoticeTone = 'info' | 'good' | 'bad' | 'warn';
type NoticeProps = {
  tone: NoticeTone;
  children: ComponentChildren;
  action?: ComponentChildren;
  role?: 'alert' | 'status';
};

/** A sentence that wants to be read, with what can be done about it. */
export function Notice({ tone, children, action, role }: NoticeProps) {
  const Icon = tone === 'info' ? InfoIcon : tone === 'good' ? CheckIcon : AlertIcon;
  return (
    <div class={`notice notice-${tone}`} {...(role && { role })}>
      <Icon />
      <div class="notice-words">{children}</div>
      {action}
    </div>
  );
}
