import './brand.css';
import { texts } from '../texts.ts';

/** The mark: what is said, as a chart. The same as favicon.svg. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        class="mark-bubble"
        d="M9 3h14a7 7 0 0 1 7 7v9a7 7 0 0 1-7 7h-7.5l-6.2 4.6A.8.8 0 0 1 8 30v-4.1A7 7 0 0 1 2 19v-9a7 7 0 0 1 7-7Z"
      />
      <path class="mark-line" d="m8.5 18 4.7-5.2 4.3 3.4 6-6.7" />
    </svg>
  );
}

export function Brand({ size }: { size?: number }) {
  return (
    <span class="brand">
      <Mark {...(size !== undefined && { size })} />
      {texts.shared.appName}
    </span>
  );
}
