/** How the page is connected: always in sight, and in a sentence while it is not. */
import './connection.css';
import { useEffect, useState } from 'preact/hooks';
import { Spinner } from '../../common/components/spinner.tsx';
import { texts } from '../../common/texts.ts';
import { useModel } from './context.ts';

const says = texts.chat.connection;

/** A dot and a word. `isBrief`: the word is heard only, unless something is wrong. */
export function ConnectionState({ isBrief = false }: { isBrief?: boolean }) {
  const { state, transport } = useModel().link.value;
  const by = transport === undefined || state !== 'open' ? '' : says.by[transport];
  const isHidden = isBrief && state === 'open';
  return (
    <span class={`connection connection-${state}`} title={`${says[state]} ${by}`.trim()}>
      <span class="connection-dot" aria-hidden="true" />
      <span class="only-heard">{`${says.label}: `}</span>
      <span class={isHidden ? 'only-heard' : ''}>{says[state]}</span>
    </span>
  );
}

/** A short cut is no news: most are over before one would have read of it. */
const patienceMs = 1_200;

/** Whether it has been away for long enough to be told. */
function useAway(): boolean {
  const { state } = useModel().link.value;
  const isAway = state !== 'open';
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (!isAway) {
      setLong(false);
      return undefined;
    }
    const timer = setTimeout(() => setLong(true), patienceMs);
    return () => clearTimeout(timer);
  }, [isAway]);
  return isAway && isLong;
}

/** Seconds until then, counted down. */
function useSecondsUntil(at: number | undefined): number | undefined {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (at === undefined) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [at]);
  return at === undefined ? undefined : Math.ceil((at - now) / 1_000);
}

export function ConnectionBanner() {
  const { backAt } = useModel().link.value;
  const isAway = useAway();
  const seconds = useSecondsUntil(isAway ? backAt : undefined);
  const words = seconds === undefined ? says.away : seconds > 0 ? says.backIn(seconds) : says.backSoon;
  return (
    <div class="connection-banner" role="status">
      {isAway && (
        <>
          <Spinner />
          {/* A count that changes each second is not read out each second. */}
          <span class="only-heard">{says.away}</span>
          <span aria-hidden="true">{words}</span>
        </>
      )}
    </div>
  );
}
