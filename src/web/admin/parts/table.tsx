/**
 * A table that becomes a stack of cards on a narrow screen. The roles are said outright, because browsers forget them
 * where `display` says that a table is none; on cards each value has its column's title before it.
 */
import './table.css';
import type { ComponentChildren } from 'preact';

export type Column<Item> = {
  title: string;
  cell: (item: Item) => ComponentChildren;
  isNumber?: boolean;
  /** Its title is heard, not seen: what is in it speaks for itself. */
  isBare?: boolean;
};

type TableProps<Item> = {
  caption: string;
  /** The first says which row it is. */
  columns: readonly Column<Item>[];
  items: readonly Item[];
  keyOf: (item: Item) => string | number;
  /** What is shown is about to be replaced. */
  isStale?: boolean;
};

export function Table<Item>({ caption, columns, items, keyOf, isStale = false }: TableProps<Item>) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-redundant-roles -- see above
    <table role="table" class={isStale ? 'table table-stale' : 'table'} aria-busy={isStale}>
      <caption class="only-heard">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ title, isNumber, isBare }) => (
            <th key={title} role="columnheader" scope="col" class={isNumber ? 'cell-number' : undefined}>
              {isBare ? <span class="only-heard">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {items.map((item) => (
          <tr key={keyOf(item)} role="row">
            {columns.map((column, at) => (
              <Cell key={column.title} column={column} item={item} isHead={at === 0} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell<Item>({ column, item, isHead }: { column: Column<Item>; item: Item; isHead: boolean }) {
  const { title, cell, isNumber, isBare } = column;
  const content = (
    <>
      {!isHead && !isBare && (
        <span class="cell-title" aria-hidden="true">
          {title}
        </span>
      )}
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
