import './empty.css';
import type { ComponentChildren } from 'preact';

type EmptyProps = { icon: ComponentChildren; title: string; children?: ComponentChildren };

/** What stands where there is nothing yet: what it is, and what can be done. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div class="empty">
      {icon}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** The place of a line of text that is being loaded. Sizes in CSS units. */
export function Skeleton({ width, height = '0.8em' }: { width: string; height?: string }) {
  return <span class="skeleton" aria-hidden="true" style={{ width, height }} />;
}
