/** What the page knows beside its rooms, as signals. */
import { type Signal, signal } from '@preact/signals';
import { limits } from '../../../client/index.ts';
import type { Link, Phase } from './model.ts';

export type State = {
  phase: Signal<Phase>;
  link: Signal<Link>;
  username: Signal<string | undefined>;
  isSuperuser: Signal<boolean>;
  maxLength: Signal<number>;
  notice: Signal<string | undefined>;
};

export const noLink: Link = { state: 'idle', transport: undefined, backAt: undefined };

export function createState(hasToken: boolean): State {
  return {
    phase: signal(hasToken ? { kind: 'starting' } : { kind: 'signed-out', reason: undefined }),
    link: signal(noLink),
    username: signal(undefined),
    isSuperuser: signal(false),
    maxLength: signal(limits.bodyLength),
    notice: signal(undefined),
  };
}
