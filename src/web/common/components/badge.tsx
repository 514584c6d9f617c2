import './badge.css';
import type { ComponentChildren } from 'preact';

export type Tone = 'neutral' | 'accent' | 'info' | 'good' | 'bad' | 'warn';

/** A word or a number with a tone. The tone is never the only thing that says it. */
export function Badge({ tone = 'neutral', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}
