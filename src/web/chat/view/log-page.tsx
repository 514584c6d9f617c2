/** "Server Logs": what happened to the connection, errors, changes of the room list. Oldest first, like the rooms. */
import './log-page.css';
import { Fragment } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Badge, type Tone } from '../../common/components/badge.tsx';
import { Empty } from '../../common/components/empty.tsx';
import { TerminalIcon } from '../../common/components/icons.tsx';
import { texts, times } from '../../common/texts.ts';
import type { LogEntry } from '../model/model.ts';
import { Bar } from './bar.tsx';
import { ConnectionBanner } from './connection.tsx';
import { useModel } from './context.ts';
import { Day } from './messages/day.tsx';
import { isNearEnd } from './messages/scroll.ts';
import { today } from './messages/today.ts';

const says = texts.chat.logs;
const tones: Readonly<Record<LogEntry['kind'], Tone>> = {
  connection: 'info',
  error: 'bad',
  rooms: 'good',
  notice: 'neutral',
};

export function LogPage() {
  const log = useModel().log.value;
  const list = useRef<HTMLDivElement>(null);
  const element = list.current;
  // While rendering, the document is still as it was: whoever reads further up stays there.
  const wasAtEnd = element === null || isNearEnd(element);
  useLayoutEffect(() => {
    if (wasAtEnd && list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  }, [log]);
  return (
    <div class="page">
      <Bar icon={<TerminalIcon />} title={says.title} about={says.about} />
      <ConnectionBanner />
      <div class="log scrolls" ref={list} role="log" aria-label={says.title} tabIndex={0}>
        {log.length === 0 && (
          <Empty icon={<TerminalIcon size={36} />} title={says.empty}>
            <p>{says.emptyHint}</p>
          </Empty>
        )}
        {log.map((entry, index) => (
          <Fragment key={entry.key}>
            {isOtherDay(entry, log[index - 1]) && <Day at={entry.at} />}
            <Line entry={entry} />
          </Fragment>
        ))}
      </div>
    </div>
  );
}

/** The lines of today stand under no day, unless some of another one are above. */
function isOtherDay({ at }: LogEntry, before: LogEntry | undefined): boolean {
  return times.day(at) !== (before === undefined ? today.value : times.day(before.at));
}

function Line({ entry }: { entry: LogEntry }) {
  return (
    <div class="log-entry">
      <time dateTime={new Date(entry.at).toISOString()} title={times.full(entry.at)}>
        {times.seconds(entry.at)}
      </time>
      <span>
        <Badge tone={tones[entry.kind]}>{says.kinds[entry.kind]}</Badge>
      </span>
      <span class="log-text">
        {entry.text}
        {entry.code !== undefined && <code>{entry.code}</code>}
      </span>
    </div>
  );
}
