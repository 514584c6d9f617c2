/** What went wrong, in words for people. The words themselves are the texts'. */
import { ChatError, ConnectionError, type ErrorCode, FatalError, RequestError } from '../../../client/index.ts';
import type { Texts } from '../../texts/texts.ts';
import type { FormFaults } from './model.ts';
import { parseStamp } from './stamps.ts';

export type Sentences = {
  /** Why a message or a command was not sent. */
  sending(error: unknown): string;
  /** Why anything else did not work. */
  other(error: unknown): string;
  /** For a form, field by field where the server said so. */
  form(error: unknown): FormFaults;
};

export function createSentences(texts: Texts['chat']['model']): Sentences {
  const { refusals, line } = texts;
  const refused = (error: ChatError): string => {
    const { max_length: length, until, name } = error.details;
    if (error.code === 'room:message-too-long') return texts.tooLong(length);
    if (error.code === 'room:muted') return texts.muted(until === undefined ? undefined : parseStamp(until));
    if (error.code === 'room:invalid') return texts.noRoom(name);
    const known: Partial<Record<ErrorCode, string>> = refusals;
    return known[error.code] ?? texts.unknownRefusal(error.code);
  };
  const other = (error: unknown): string => {
    if (error instanceof ChatError) return refused(error);
    if (error instanceof ConnectionError) return line[error.reason];
    if (error instanceof FatalError) return line['not-connected'];
    if (error instanceof RequestError) return error.status === 0 ? texts.unreachable : error.message;
    return texts.unknownFault(error instanceof Error ? error.message : String(error));
  };
  return {
    sending: (error) =>
      error instanceof ConnectionError && error.reason === 'timeout' ? texts.notKnownToBeSent : other(error),
    other,
    form(error) {
      if (!(error instanceof RequestError) || error.status === 0) return { fields: {}, form: [other(error)] };
      const { non_field_errors: whole = [], ...fields } = error.fields;
      const isEmpty = whole.length === 0 && Object.keys(fields).length === 0;
      const detail = error.detail === undefined ? [] : [error.detail];
      return { fields, form: isEmpty && detail.length === 0 ? [other(error)] : [...whole, ...detail] };
    },
  };
}

/** The code that stands beside the words in the log, where there is one. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof ChatError || error instanceof FatalError) return error.code;
  if (error instanceof ConnectionError) return error.reason;
  if (error instanceof RequestError && error.status > 0) return `HTTP ${error.status}`;
  return undefined;
}
