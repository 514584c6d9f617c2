/** Messages of all rooms, searched. */
import { useEffect, useState } from 'preact/hooks';
import { Empty } from '../../common/components/empty.tsx';
import { TextField } from '../../common/components/field.tsx';
import { ChatIcon, SearchIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import type { MessageFilter } from '../api.ts';
import { type FormFaults, formFaultsOf, noFaults } from '../faults.ts';
import { useList } from '../hooks.ts';
import { isoOfLocal, localOfIso } from '../local-time.ts';
import { FilterForm } from '../parts/filter-form.tsx';
import { ListView } from '../parts/list-view.tsx';
import { MessageList } from '../parts/message-list.tsx';
import { Page } from '../parts/page.tsx';
import { routes } from '../route.ts';
import { useServices } from '../services.ts';

const said = texts.admin.messages;

export function MessagesPage({ filter }: { filter: MessageFilter }) {
  const { api } = useServices();
  const list = useList((wanted: MessageFilter, wish) => api.messages(wanted, wish), filter);
  const isSearch = Object.values(filter).some((value) => value !== '');
  const { fields } = list.fault.value === undefined ? noFaults : formFaultsOf(list.fault.value, filterNames);
  return (
    <Page title={texts.admin.parts.messages}>
      <MessageSearch filter={filter} isSearch={isSearch} faults={fields} />
      {Object.keys(fields).length === 0 && (
        <ListView list={list} empty={<NoMessages isSearch={isSearch} />}>
          {(messages, isStale) => (
            <div class="panel">
              <MessageList
                label={said.results}
                messages={messages}
                query={filter.q}
                showRoom
                isStale={isStale}
                onDeleted={(gone) => list.remove(({ room, id }) => room === gone.room && id === gone.id)}
              />
            </div>
          )}
        </ListView>
      )}
    </Page>
  );
}

function NoMessages({ isSearch }: { isSearch: boolean }) {
  return isSearch ? (
    <Empty icon={<SearchIcon size={28} />} title={texts.admin.list.nothingFound}>
      <p>{said.emptyHint}</p>
    </Empty>
  ) : (
    <Empty icon={<ChatIcon size={28} />} title={said.empty}>
      <p>{said.emptyAllHint}</p>
    </Empty>
  );
}

const fieldsOf = (filter: MessageFilter): Fields => ({
  ...filter,
  from: localOfIso(filter.from),
  to: localOfIso(filter.to),
});

/** On a phone the fields that narrow a search would fill the screen. */
const isWide = (): boolean => matchMedia('(width >= 48rem)').matches;

const filterNames = ['q', 'room', 'user', 'from', 'to'] as const;
type Fields = Record<(typeof filterNames)[number], string>;
type SearchProps = { filter: MessageFilter; isSearch: boolean; faults: FormFaults['fields'] };

function MessageSearch({ filter, isSearch, faults }: SearchProps) {
  const { router } = useServices();
  const [fields, setFields] = useState<Fields>(() => fieldsOf(filter));
  // The back button, or a link: what was typed is over.
  useEffect(() => setFields(fieldsOf(filter)), [JSON.stringify(filter)]);
  const tie = (name: keyof Fields) => ({
    value: fields[name],
    errors: faults[name],
    onInput: (event: { currentTarget: HTMLInputElement }) =>
      setFields({ ...fields, [name]: event.currentTarget.value }),
    autocomplete: 'off' as const,
  });
  const [isNarrowed] = useState(() => [filter.room, filter.user, filter.from, filter.to].some((value) => value !== ''));
  const apply = (): void =>
    router.go(
      routes.messages({
        q: fields.q.trim(),
        room: fields.room.trim(),
        user: fields.user.trim(),
        from: isoOfLocal(fields.from),
        to: isoOfLocal(fields.to),
      }),
    );
  return (
    <FilterForm label={said.formLabel} clearTo={isSearch ? routes.messages() : undefined} onApply={apply}>
      <div class="filter-wide">
        <TextField label={said.words} hint={said.wordsHint} type="search" {...tie('q')} />
      </div>
      <details class="filter-wide filter-more" open={isNarrowed || isWide()}>
        <summary>{said.narrow}</summary>
        <div class="filter-grid">
          <TextField label={said.room} autocapitalize="off" spellcheck={false} {...tie('room')} />
          <TextField label={said.user} autocapitalize="off" spellcheck={false} {...tie('user')} />
          <TextField label={said.from} type="datetime-local" {...tie('from')} />
          <TextField label={said.to} type="datetime-local" {...tie('to')} />
        </div>
      </details>
    </FilterForm>
  );
}
