import { texts } from '../../common/texts.ts';
import { fullTime, shortTime } from '../format.ts';

/** A time as short as it can be; pointed at, in full. `none`: what is said where there is no time. */
export function Time({ iso, none = texts.admin.none }: { iso: string | null; none?: string }) {
  if (iso === null) return <span class="soft">{none}</span>;
  return (
    <time dateTime={iso} title={fullTime(iso)}>
      {shortTime(iso, Date.now())}
    </time>
  );
}
