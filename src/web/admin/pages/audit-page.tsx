/** What administrators have done, on this page and on the command line. */
import { useEffect, useState } from 'preact/hooks';
import { type AuditEntry, auditActs } from '../../../protocol/admin.ts';
import { Badge } from '../../common/components/badge.tsx';
import { Empty } from '../../common/components/empty.tsx';
import { SelectField, TextField } from '../../common/components/field.tsx';
import { ClockIcon, SearchIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import type { AuditFilter } from '../api.ts';
import { detailsOf } from '../audit-details.ts';
import { useList } from '../hooks.ts';
import { FilterForm } from '../parts/filter-form.tsx';
import { RoomLink, UserLink } from '../parts/link.tsx';
import { ListView } from '../parts/list-view.tsx';
import { Page } from '../parts/page.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';
import { routes } from '../route.ts';
import { useServices } from '../services.ts';

const said = texts.admin.audit;

const columns: readonly Column<AuditEntry>[] = [
  { title: said.when, cell: (entry) => <Time iso={entry.created_at} /> },
  {
    title: said.who,
    cell: ({ actor, via }) => (
      <span class="badges">
        {via === 'page' ? <UserLink name={actor} isStrong /> : <strong>{actor}</strong>}
        {via === 'command' && <Badge>{said.via.command}</Badge>}
      </span>
    ),
  },
  { title: said.what, cell: ({ act }) => said.acts[act] ?? act },
  { title: said.target, cell: (entry) => <Target entry={entry} /> },
  { title: said.details, cell: (entry) => <Details entry={entry} /> },
];

export function AuditPage({ filter }: { filter: AuditFilter }) {
  const { api } = useServices();
  const list = useList((wanted: AuditFilter, wish) => api.audit(wanted, wish), filter);
  const isFiltered = Object.values(filter).some((value) => value !== '');
  return (
    <Page title={texts.admin.parts.audit}>
      <AuditSearch filter={filter} isFiltered={isFiltered} />
      <ListView list={list} empty={<NoEntries isFiltered={isFiltered} />}>
        {(entries, isStale) => (
          <Table
            caption={said.caption}
            columns={columns}
            items={entries}
            keyOf={(entry) => entry.id}
            isStale={isStale}
          />
        )}
      </ListView>
    </Page>
  );
}

/** A deleted room's page says that it is gone: there is none to lead to. */
function Target({ entry: { act, target } }: { entry: AuditEntry }) {
  if (act === 'room-deleted') return <>{target}</>;
  const isOfRoom = act.startsWith('room-') || act === 'message-deleted';
  return isOfRoom ? <RoomLink name={target} /> : <UserLink name={target} />;
}

function Details({ entry }: { entry: AuditEntry }) {
  const details = detailsOf(entry);
  if (details.length === 0) return <span class="soft">{texts.admin.none}</span>;
  return (
    <ul class="details">
      {details.map((detail) => (
        <li key={detail.title}>
          <span class="soft">{detail.title}:</span>{' '}
          {'time' in detail ? <Time iso={detail.time} /> : <span class="detail-text">{detail.text}</span>}
        </li>
      ))}
    </ul>
  );
}

function NoEntries({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <Empty icon={<SearchIcon size={28} />} title={texts.admin.list.nothingFound}>
      <p>{said.nothingFoundHint}</p>
    </Empty>
  ) : (
    <Empty icon={<ClockIcon size={28} />} title={said.empty}>
      <p>{said.emptyHint}</p>
    </Empty>
  );
}

function AuditSearch({ filter, isFiltered }: { filter: AuditFilter; isFiltered: boolean }) {
  const { router } = useServices();
  const [fields, setFields] = useState(filter);
  // The back button, or a link: what was typed is over.
  useEffect(() => setFields(filter), [JSON.stringify(filter)]);
  const tie = (name: 'actor' | 'target') => ({
    value: fields[name],
    onInput: (event: { currentTarget: HTMLInputElement }) =>
      setFields({ ...fields, [name]: event.currentTarget.value }),
    autocomplete: 'off' as const,
    autocapitalize: 'off' as const,
    spellcheck: false,
  });
  return (
    <FilterForm
      label={said.formLabel}
      clearTo={isFiltered ? routes.audit() : undefined}
      onApply={() => router.go(routes.audit({ ...fields, actor: fields.actor.trim(), target: fields.target.trim() }))}
    >
      <TextField label={said.actor} {...tie('actor')} />
      <SelectField
        label={said.act}
        value={fields.act}
        onChange={(event) => setFields({ ...fields, act: event.currentTarget.value })}
      >
        <option value="">{said.anyAct}</option>
        {auditActs.map((act) => (
          <option key={act} value={act}>
            {said.acts[act]}
          </option>
        ))}
      </SelectField>
      <TextField label={said.target} {...tie('target')} />
    </FilterForm>
  );
}
