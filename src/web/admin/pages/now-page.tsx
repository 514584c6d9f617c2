/** How the server is at this moment. */
import './now-page.css';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { LoggedProblem, Now } from '../../../protocol/admin.ts';
import { Badge } from '../../common/components/badge.tsx';
import { Button } from '../../common/components/button.tsx';
import { Empty } from '../../common/components/empty.tsx';
import { CheckIcon } from '../../common/components/icons.tsx';
import { Notice } from '../../common/components/notice.tsx';
import { texts, times } from '../../common/texts.ts';
import { duration, megabytes, number } from '../format.ts';
import { Failed, Loading } from '../parts/list-view.tsx';
import { Card, Facts, Page } from '../parts/page.tsx';
import { Spark } from '../parts/spark.tsx';
import { Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { useServices } from '../services.ts';
import { openWatch, type Reading, type Watch } from '../watch.ts';

const said = texts.admin.now;

function useWatch(): Watch {
  const { api } = useServices();
  const watch = useMemo(
    () =>
      openWatch({
        api,
        now: Date.now,
        after: (ms, run) => {
          const timer = setTimeout(run, ms);
          return () => clearTimeout(timer);
        },
      }),
    [],
  );
  useEffect(() => {
    const follow = (): void => watch.setVisible(!document.hidden);
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      watch.close();
    };
  }, []);
  return watch;
}

export function NowPage() {
  const watch = useWatch();
  const last = watch.last.value;
  const fault = watch.fault.value;
  const isPaused = watch.isPaused.value;
  return (
    <Page
      title={texts.admin.parts.now}
      lead={last === undefined ? said.lead : said.read(times.seconds(last.at))}
      actions={
        <Button isSmall aria-pressed={isPaused} onClick={() => watch.setPaused(!isPaused)}>
          {isPaused ? said.resume : said.pause}
        </Button>
      }
    >
      <div role="status" class="now-status">
        {last !== undefined && fault !== undefined && <Notice tone="bad">{said.stale(times.seconds(last.at))}</Notice>}
      </div>
      {last !== undefined && <Readings reading={last} course={watch.course.value} />}
      {last === undefined &&
        (fault === undefined ? <Loading /> : <Failed fault={fault} retry={() => watch.setPaused(false)} />)}
    </Page>
  );
}

function Readings({ reading: { at, now }, course }: { reading: Reading; course: readonly Reading[] }) {
  return (
    <>
      <Tiles now={now} course={course} />
      <div class="columns columns-even">
        <Sessions sessions={now.sessions} />
        <Server now={now} at={at} />
      </div>
      <Problems problems={now.problems} />
    </>
  );
}

const connected = ({ sessions }: Now): number => sessions.websocket + sessions.sse + sessions.poll + sessions.detached;

function Tiles({ now, course }: { now: Now; course: readonly Reading[] }) {
  const over = (value: (one: Now) => number): number[] => course.map((reading) => value(reading.now));
  return (
    <ul class="tiles">
      <Tile title={said.connected} value={number(connected(now))} values={over(connected)}>
        {said.liveRooms(now.live_rooms)}
      </Tile>
      <Tile
        title={said.messageRate}
        value={number(now.messages_per_second)}
        values={over((one) => one.messages_per_second)}
      >
        {said.lastMinute}
      </Tile>
      <Tile
        title={said.deliveryRate}
        value={number(now.deliveries_per_second)}
        values={over((one) => one.deliveries_per_second)}
      >
        {said.lastMinute}
      </Tile>
      <Tile title={said.memory} value={megabytes(now.memory.rss)} values={over((one) => one.memory.rss)}>
        {said.memoryHint(megabytes(now.memory.heap_used), megabytes(now.memory.heap_total))}
      </Tile>
    </ul>
  );
}

type TileProps = { title: string; value: string; values: readonly number[]; children: ComponentChildren };

function Tile({ title, value, values, children }: TileProps) {
  return (
    <li class="tile">
      <h2 class="tile-title">{title}</h2>
      <p class="tile-value">{value}</p>
      <p class="tile-hint">{children}</p>
      <Spark values={values} />
    </li>
  );
}

const transports = ['websocket', 'sse', 'poll', 'detached'] as const;

function Sessions({ sessions }: { sessions: Now['sessions'] }) {
  const most = Math.max(1, ...transports.map((name) => sessions[name]));
  return (
    <Card title={said.sessions}>
      <dl class="bars">
        {transports.map((name) => (
          <div key={name} class="bar">
            <dt>
              {said.transports[name]}
              {name === 'detached' && <span class="cell-more">{said.detachedHint}</span>}
            </dt>
            <dd>
              <span class="bar-track" aria-hidden="true">
                <span class="bar-fill" style={{ inlineSize: `${(100 * sessions[name]) / most}%` }} />
              </span>
              <span class="bar-count">{number(sessions[name])}</span>
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

const redisTones = { connected: 'good', unreachable: 'bad', 'not used': 'neutral' } as const;

function Server({ now, at }: { now: Now; at: number }) {
  return (
    <Card title={said.server}>
      <Facts
        facts={[
          { title: said.uptime, value: duration(at - Date.parse(now.started_at)) },
          { title: said.started, value: <Time iso={now.started_at} /> },
          { title: said.version, value: now.version },
          { title: said.node, value: now.node_version },
          { title: said.database, value: now.database },
          { title: said.redis, value: <Badge tone={redisTones[now.redis]}>{said.redisStates[now.redis]}</Badge> },
          ...(now.node === null ? [] : [{ title: said.cluster, value: said.ofNodes(now.node, now.nodes) }]),
        ]}
      />
    </Card>
  );
}

function Problems({ problems }: { problems: readonly LoggedProblem[] }) {
  // Two of the same moment may say the same: their places tell them apart.
  const rows = problems.map((problem, at) => ({ ...problem, key: problems.length - at }));
  return (
    <Card title={said.problems}>
      {rows.length === 0 ? (
        <Empty icon={<CheckIcon size={28} />} title={said.noProblems}>
          <p>{said.noProblemsHint}</p>
        </Empty>
      ) : (
        <Table
          caption={said.problems}
          items={rows}
          keyOf={(row) => row.key}
          columns={[
            { title: said.problemTime, cell: (row) => <Time iso={row.at} /> },
            {
              title: said.problemLevel,
              cell: (row) => <Badge tone={row.level === 'warn' ? 'warn' : 'bad'}>{said.levels[row.level]}</Badge>,
            },
            { title: said.problemMessage, cell: (row) => <span class="problem">{row.message}</span> },
          ]}
        />
      )}
    </Card>
  );
}
