/** A record's page in each of its states: being loaded, not there, failed, shown. */
import type { ComponentChildren } from 'preact';
import { LinkButton } from '../../common/components/button.tsx';
import { Empty } from '../../common/components/empty.tsx';
import { SearchIcon } from '../../common/components/icons.tsx';
import { isGone } from '../faults.ts';
import type { RecordModel } from '../record.ts';
import { hashOf, type Route } from '../route.ts';
import { Failed, Loading } from './list-view.tsx';
import { Page } from './page.tsx';

type RecordViewProps<Item> = {
  record: RecordModel<Item>;
  title: string;
  up: { to: Route; title: string };
  goneTitle: string;
  goneHint: string;
  backLabel: string;
  children: (item: Item) => ComponentChildren;
};

export function RecordView<Item>({ record, title, up, children, ...gone }: RecordViewProps<Item>) {
  const item = record.item.value;
  const fault = record.fault.value;
  if (isGone(fault)) {
    return (
      <Page title={title} up={up}>
        <Empty icon={<SearchIcon size={28} />} title={gone.goneTitle}>
          <p>{gone.goneHint}</p>
          <LinkButton href={hashOf(up.to)}>{gone.backLabel}</LinkButton>
        </Empty>
      </Page>
    );
  }
  if (item !== undefined) {
    return (
      <>
        {fault !== undefined && <Failed fault={fault} retry={() => void record.read()} />}
        {children(item)}
      </>
    );
  }
  return (
    <Page title={title} up={up}>
      {fault === undefined ? <Loading /> : <Failed fault={fault} retry={() => void record.read()} />}
    </Page>
  );
}
