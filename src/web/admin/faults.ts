/** What went wrong, in sentences for people: for a page, and for a form with its fields. */
import { RequestError } from '../../client/errors.ts';
import { texts } from '../common/texts.ts';

/** Sentences by field, and for the form as a whole. */
export type FormFaults = { fields: Readonly<Record<string, readonly string[]>>; form: readonly string[] };
export const noFaults: FormFaults = { fields: {}, form: [] };

const said = texts.admin.faults;

export function isGone(error: unknown): boolean {
  return error instanceof RequestError && error.status === 404;
}

/** One sentence. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof RequestError)) return said.unexpected;
  switch (error.status) {
    case 0:
      return said.unreachable;
    case 401:
      return said.ended;
    case 403:
      return said.forbidden;
    case 404:
      return said.gone;
    case 502:
    case 503:
    case 504:
      return said.away;
    default:
      return error.status >= 500 ? said.failed : error.message;
  }
}

/** `known`: the fields that the form shows; sentences for others are the form's. */
export function formFaultsOf(error: unknown, known: readonly string[]): FormFaults {
  if (!(error instanceof RequestError) || error.status !== 400) return { fields: {}, form: [sentenceOf(error)] };
  const fields: Record<string, readonly string[]> = {};
  const form: string[] = error.detail === undefined ? [] : [error.detail];
  for (const [field, sentences] of Object.entries(error.fields)) {
    if (known.includes(field)) fields[field] = sentences;
    else form.push(...sentences);
  }
  if (form.length === 0 && Object.keys(fields).length === 0) form.push(sentenceOf(error));
  return { fields, form };
}

/** A form's own refusal, before the server is asked: in the shape of the server's. */
export function fieldFault(field: string, sentence: string): RequestError {
  return new RequestError(400, { [field]: [sentence] }, undefined);
}
