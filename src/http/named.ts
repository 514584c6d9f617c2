/** What an address names: rooms, users and ids, where there can be such. Knows no resource's records. */
import { roomNameFault, usernameFault } from '../protocol/names.ts';
import { normalForm } from '../protocol/text.ts';
import { notFound } from './answers.ts';

type Params = Readonly<Record<string, string | undefined>>;

/** Throws a Refusal (404) for a name that no room can have. */
export function roomNameIn({ name = '' }: Params): string {
  if (roomNameFault(name) !== undefined) throw notFound();
  return name;
}

/** As `roomNameIn`, of users; in the form in which names are stored. */
export function usernameIn({ username = '' }: Params): string {
  const name = normalForm(username);
  if (usernameFault(name) !== undefined) throw notFound();
  return name;
}

/** Of messages and tokens. */
export function idIn({ id = '' }: Params): number {
  const number = Number(id);
  if (!/^[1-9]\d{0,15}$/.test(id) || !Number.isSafeInteger(number)) throw notFound();
  return number;
}
