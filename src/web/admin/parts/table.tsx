/**
 * A table that becomes a stack of cards on a narrow screen. The roles are said outright, because browsers forget them
 * where `display` says that a table is none; on cards each value has its column's title before it.
 */
import './table.css';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { SelectField } from '../../common/components/field.tsx';
import { ArrowDownIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import { type Direction, type SortValue, sorted } from '../sort.ts';

export type Column<Item> = {
  title: string;
  cell: (item: Item) => ComponentChildren;
  isNumber?: boolean;
  /** Its title is heard, not seen: what is in it speaks for itself. */
  isBare?: boolean;
  /** Given: the rows can be ordered by it. */
  sortBy?: (item: Item) => SortValue;
  /** The direction that is looked for first. */
  sortFirst?: Direction;
};

type TableProps<Item> = {
  caption: string;
  /** The first says which row it is. */
  columns: readonly Column<Item>[];
  items: readonly Item[];
  keyOf: (item: Item) => string | number;
  /** What is shown is about to be replaced. */
  isStale?: boolean;
  /** All rows are here: an order of some of them would mislead. As they come they are in the order of the first column. */
  canSort?: boolean;
};

type Order = { title: string; direction: Direction };

export function Table<Item>({ caption, columns, items, keyOf, isStale = false, canSort = false }: TableProps<Item>) {
  const [order, setOrder] = useState<Order | undefined>(undefined);
  const column = canSort ? columns.find(({ title }) => title === order?.title) : undefined;
  const rows =
    column?.sortBy === undefined || order === undefined ? items : sorted(items, column.sortBy, order.direction);
  return (
    <>
      {canSort && <SortField columns={columns} order={order} onOrder={setOrder} />}
      <table role="table" class={isStale ? 'table table-stale' : 'table'} aria-busy={isStale}>
        <caption class="only-heard">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((one) => (
              <Head key={one.title} column={one} order={order} {...(canSort && { onOrder: setOrder })} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((item) => (
            <tr key={keyOf(item)} role="row">
              {columns.map((one, at) => (
                <Cell key={one.title} column={one} item={item} isHead={at === 0} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

type HeadProps<Item> = { column: Column<Item>; order: Order | undefined; onOrder?: (order: Order) => void };

function Head<Item>({ column, order, onOrder }: HeadProps<Item>) {
  const { title, isNumber, isBare, sortBy, sortFirst = 'ascending' } = column;
  const canSort = sortBy !== undefined && onOrder !== undefined;
  const direction = canSort && order?.title === title ? order.direction : undefined;
  const other: Direction = direction === 'ascending' ? 'descending' : 'ascending';
  return (
    <th
      role="columnheader"
      scope="col"
      class={isNumber ? 'cell-number' : undefined}
      {...(canSort && { 'aria-sort': direction ?? ('none' as const) })}
    >
      {canSort ? (
        <button
          type="button"
          class="table-order"
          onClick={() => onOrder({ title, direction: direction === undefined ? sortFirst : other })}
        >
          {title}
          <span class="table-arrow" data-direction={direction}>
            <ArrowDownIcon size={13} />
          </span>
        </button>
      ) : (
        <span class={isBare ? 'only-heard' : undefined}>{title}</span>
      )}
    </th>
  );
}

type SortFieldProps<Item> = {
  columns: readonly Column<Item>[];
  order: Order | undefined;
  onOrder: (order: Order | undefined) => void;
};

/** On cards there are no headings to press. */
function SortField<Item>({ columns, order, onOrder }: SortFieldProps<Item>) {
  return (
    <div class="table-sort">
      <SelectField
        label={texts.admin.list.sortBy}
        value={order?.title ?? columns[0]?.title}
        onChange={(event) => {
          const chosen = columns.find(({ title }) => title === event.currentTarget.value);
          onOrder(chosen && { title: chosen.title, direction: chosen.sortFirst ?? 'ascending' });
        }}
      >
        {columns
          .filter(({ sortBy }) => sortBy !== undefined)
          .map(({ title }) => (
            <option key={title} value={title}>
              {title}
            </option>
          ))}
      </SelectField>
    </div>
  );
}

function Cell<Item>({ column, item, isHead }: { column: Column<Item>; item: Item; isHead: boolean }) {
  const { title, cell, isNumber, isBare } = column;
  const content = (
    <>
      {!isHead && !isBare && <span class="cell-title">{title}</span>}
      <div class="cell-value">{cell(item)}</div>
    </>
  );
  if (isHead) {
    return (
      <th role="rowheader" scope="row">
        {content}
      </th>
    );
  }
  return (
    <td role="cell" class={[isNumber && 'cell-number', isBare && 'cell-bare'].filter(Boolean).join(' ')}>
      {content}
    </td>
  );
}
