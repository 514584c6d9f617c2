import test from 'ava';
import {
  ChatError,
  ConnectionError,
  type ConnectionErrorReason,
  type ErrorCode,
  errorCodes,
  FatalError,
  RequestError,
} from '../../../client/index.ts';
import { en } from '../../texts/en.ts';
import { codeOf, createSentences } from './sentences.ts';

const sentences = createSentences(en.chat.model);

test('every error of the server has words of its own', (t) => {
  const said = Object.keys(errorCodes).map((code) => sentences.other(new ChatError(code as ErrorCode)));
  t.is(new Set(said).size, said.length);
  for (const words of said) t.regex(words, /^[A-Z][^_]*[.!?]$|\/name=value\.$/);
});

test('a code of a newer server is said as it is', (t) => {
  t.is(sentences.other(new ChatError('room:full' as ErrorCode)), 'The server refused it (room:full).');
});

test('what the server told of an error is in its words', (t) => {
  const long = new ChatError('room:message-too-long', { max_length: 12 });
  t.regex(sentences.sending(long), /12 characters/);
  const muted = new ChatError('room:muted', { name: 'friends', until: '2031-05-06 07:08:09' });
  t.regex(sentences.sending(muted), /2031/);
  t.regex(sentences.other(new ChatError('room:invalid', { name: 'attic' })), /attic/);
});

test('every way in which no answer comes has words of its own', (t) => {
  const reasons: ConnectionErrorReason[] = ['not-connected', 'lost', 'timeout', 'too-many-pending'];
  const said = reasons.map((reason) => sentences.sending(new ConnectionError(reason)));
  t.is(new Set(said).size, reasons.length);
  t.not(sentences.other(new ConnectionError('timeout')), sentences.sending(new ConnectionError('timeout')));
  t.is(sentences.other(new FatalError('closed')), sentences.other(new ConnectionError('not-connected')));
  t.regex(sentences.other(new Error('odd')), /odd/);
  t.regex(sentences.other('odd'), /odd/);
});

test('faults of a form are beside its fields, or about the whole', (t) => {
  const fields = new RequestError(400, { username: ['Taken.'], non_field_errors: ['No.'] }, undefined);
  t.deepEqual(sentences.form(fields), { fields: { username: ['Taken.'] }, form: ['No.'] });
  t.deepEqual(sentences.form(new RequestError(429, {}, 'Wait.')), { fields: {}, form: ['Wait.'] });
  t.deepEqual(sentences.form(new RequestError(500, {}, undefined)).form.length, 1);
  t.deepEqual(sentences.form(new RequestError(0, {}, 'x')).form, [en.chat.model.unreachable]);
  t.is(sentences.form(new Error('odd')).form.length, 1);
});

test('the code stands beside the words where there is one', (t) => {
  t.is(codeOf(new ChatError('room:muted')), 'room:muted');
  t.is(codeOf(new ConnectionError('lost')), 'lost');
  t.is(codeOf(new FatalError('kicked')), 'kicked');
  t.is(codeOf(new RequestError(503, {}, undefined)), 'HTTP 503');
  t.is(codeOf(new RequestError(0, {}, undefined)), undefined);
  t.is(codeOf(new Error('odd')), undefined);
});
