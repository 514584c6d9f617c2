/** What an audit entry's details say, in the order in which they are read; what a later version adds is shown as it is. */
import type { AuditEntry } from '../../protocol/admin.ts';
import { texts } from '../common/texts.ts';

const said = texts.admin.audit;

/** `time`: an ISO time, to be written in the reader's zone. */
export type Detail = { title: string; text: string } | { title: string; time: string };

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

export function detailsOf({ details }: Pick<AuditEntry, 'details'>): Detail[] {
  return Object.entries(details).flatMap(([key, value]): Detail[] => {
    const title = Object.hasOwn(said.detailNames, key) ? said.detailNames[key as keyof typeof said.detailNames] : key;
    if (value === null) return key === 'until' ? [{ title, text: said.forGood }] : [];
    if (value === '') return key === 'reason' ? [] : [{ title, text: said.nothing }];
    if (typeof value === 'boolean') return [{ title, text: value ? said.yes : said.no }];
    if (typeof value === 'string' && isoTime.test(value)) return [{ title, time: value }];
    return [{ title, text: String(value) }];
  });
}
