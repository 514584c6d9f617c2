/**
 * From what came in to typed input: the body by its media type, its fields by their schemas, the query, the token.
 * Everything a route reads passes here, and whatever does not fit ends as an error in the contract's shape.
 */
import type Koa from 'koa';
import bodyParser from 'koa-bodyparser';
import { z } from 'zod';
import { noCredentialsDetail, readCredentials } from '../core/credentials.ts';
import { FieldErrors, type FieldFaults } from '../core/errors.ts';
import { fieldSentences, textFault } from '../core/fields.ts';
import { limits } from '../protocol/limits.ts';
import { isStorable, isStorableJson } from '../protocol/text.ts';
import { Refusal, unauthorized } from './answers.ts';

// ---- body ----

const parserOptions: bodyParser.Options & { onProtoPoisoning: 'remove' } = {
  enableTypes: ['json', 'form'],
  jsonLimit: `${limits.requestBodyBytes}b`,
  formLimit: `${limits.requestBodyBytes}b`,
  // Any JSON value, so that "no object" can be told from "no JSON".
  strict: false,
  // A field named __proto__ is unknown like any other. An option of co-body that the type definitions lack.
  onProtoPoisoning: 'remove',
};
const parseBody = bodyParser(parserOptions);

/** The body's fields. An absent or empty body has none. Throws a Refusal for another media type, broken text, or no object. */
export function readBody(ctx: Koa.Context): Promise<Record<string, unknown>> {
  return readObject(ctx, [json, form]);
}

/** As `readBody`, for calls that take JSON only: a form has no numbers and no flags. */
export function readJsonBody(ctx: Koa.Context): Promise<Record<string, unknown>> {
  return readObject(ctx, [json]);
}

async function readObject(ctx: Koa.Context, types: readonly string[]): Promise<Record<string, unknown>> {
  const read = await readValue(ctx, types);
  if (read === undefined) return {};
  const { value } = read;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(400, { non_field_errors: [`Invalid data. Expected a JSON object, but got ${kindOf(value)}.`] });
  }
  return value as Record<string, unknown>;
}

/**
 * The body's client messages: one, or an array of up to `limits.batchMessages`; what each is worth is judged later.
 * Throws a Refusal like `readBody`, also for a body that is neither.
 */
export async function readMessages(ctx: Koa.Context): Promise<Messages> {
  // A form has no numbers; and curl, unless told otherwise, calls JSON one.
  const read = await readValue(ctx, [json]);
  return messagesIn(read?.value, read?.bytes ?? 0);
}

/** As `readMessages`, of a body that is neither empty nor compressed. */
export function parseMessages(body: Buffer): Messages {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw new Refusal(400, 'The body is not UTF-8.');
  }
  try {
    return messagesIn(JSON.parse(text), body.length);
  } catch (error) {
    throw error instanceof Refusal ? error : malformedBody();
  }
}

type Messages = { messages: readonly unknown[]; bytes: number };

function messagesIn(value: unknown, bytes: number): Messages {
  if (typeof value !== 'object' || value === null) {
    throw new Refusal(400, `Expected a JSON object or an array of them, but got ${kindOf(value)}.`);
  }
  const messages: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (messages.length > limits.batchMessages) {
    throw new Refusal(400, `Too many messages at once: send at most ${limits.batchMessages}.`);
  }
  return { messages, bytes };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';

/** The body, parsed, where it is of one of these media types. Undefined: it is absent or empty. */
async function readValue(
  ctx: Koa.Context,
  types: readonly string[],
): Promise<{ value: unknown; bytes: number } | undefined> {
  const type = ctx.request.is(...types);
  if (type === null || ctx.request.length === 0) return undefined;
  if (type === false) throw new Refusal(415, `Unsupported media type: send ${types.join(' or ')}.`);
  try {
    await parseBody(ctx, () => Promise.resolve());
  } catch (error) {
    throw bodyRefusal(error);
  }
  const { body, rawBody } = ctx.request;
  if (typeof rawBody !== 'string' || rawBody === '') return undefined;
  if (isMutilated(rawBody, ctx)) throw new Refusal(400, 'The body is not UTF-8.');
  if (type === form && decoded(rawBody) === undefined) {
    throw new Refusal(400, 'Malformed percent-encoding in the body.');
  }
  return { value: body, bytes: Buffer.byteLength(rawBody) };
}

/**
 * Whether bytes that are no UTF-8 were replaced while the body was decoded: a password would silently be another one.
 * Each replacement has three bytes, so the length gives it away; a body in chunks or compressed has none to compare with.
 */
function isMutilated(rawBody: string, ctx: Koa.Context): boolean {
  const { length } = ctx.request;
  if (!rawBody.includes('\ufffd') || length === undefined || ctx.get('content-encoding') !== '') return false;
  return Buffer.byteLength(rawBody) !== length;
}

/** The parsers' errors carry a status; those of a broken compression carry none. */
function bodyRefusal(error: unknown): Refusal {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 413) return new Refusal(413, `The body is larger than ${limits.requestBodyBytes} bytes.`);
  if (status === 415) return new Refusal(415, 'Unsupported content encoding: send the body as it is, or use gzip.');
  return malformedBody();
}

export function malformedBody(): Refusal {
  return new Refusal(400, 'The body is not well formed: it could not be parsed.');
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return `a ${typeof value}`;
}

// ---- fields ----

type Schemas = Readonly<Record<string, z.ZodType>>;
type Values<S extends Schemas> = { [K in keyof S]: z.output<S[K]> };

/** A string without NUL and lone surrogates. */
export const text: z.ZodString = z
  .string({ error: ({ input }) => absence(input) ?? fieldSentences.notText })
  .superRefine((value, check) => {
    const fault = textFault(value);
    if (fault !== undefined) check.addIssue({ code: 'custom', message: fault });
  });

/** True or false, and nothing that could be taken for one of them. */
export const flag: z.ZodBoolean = z.boolean({ error: ({ input }) => absence(input) ?? 'Must be a valid boolean.' });

/** A whole number, in JSON. */
export function integer(min: number, max: number): z.ZodType<number> {
  return z
    .number({ error: ({ input }) => absence(input) ?? notInteger })
    .refine(Number.isSafeInteger, { error: notInteger, abort: true })
    .min(min, atLeast(min))
    .max(max, atMost(max));
}

function absence(input: unknown): string | undefined {
  if (input === undefined) return fieldSentences.required;
  return input === null ? fieldSentences.null : undefined;
}

const notInteger = 'A valid integer is required.';
const atLeast = (min: number): string => `Ensure this value is greater than or equal to ${min}.`;
const atMost = (max: number): string => `Ensure this value is less than or equal to ${max}.`;

/**
 * Reads each field by its schema. `values` holds those that fit, `faults` the others' sentences. Unknown fields are
 * ignored, but for text in them that no part of the server takes.
 */
export function readFields<S extends Schemas>(
  schemas: S,
  fields: Readonly<Record<string, unknown>>,
): { values: Partial<Values<S>>; faults: FieldFaults } {
  const values: Record<string, unknown> = {};
  const faults: FieldFaults = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const read = schema.safeParse(Object.hasOwn(fields, name) ? fields[name] : undefined);
    if (read.success) values[name] = read.data;
    else faults[name] = read.error.issues.map((issue) => issue.message);
  }
  if (Object.keys(faults).length === 0 && !isStorableJson(fields)) {
    faults.non_field_errors = ['Null characters and lone surrogates are not allowed.'];
  }
  return { values: values as Partial<Values<S>>, faults };
}

/** As `readFields`, but for all or nothing: throws `FieldErrors`. */
export function requireFields<S extends Schemas>(schemas: S, fields: Readonly<Record<string, unknown>>): Values<S> {
  const { values, faults } = readFields(schemas, fields);
  if (Object.keys(faults).length > 0) throw new FieldErrors(faults);
  return values as Values<S>;
}

/** Without the fields that were not given. */
export function given<Fields extends object>(fields: Fields): { [K in keyof Fields]?: Exclude<Fields[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof Fields]?: Exclude<Fields[K], undefined> };
}

// ---- address ----

/** The query's parameters, the first of each name. The address has been checked: see `checkAddress`. */
export function readQuery(ctx: Koa.Context): Record<string, string> {
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(ctx.querystring)) query[name] ??= value;
  return { ...query };
}

/** A whole number in a query, from `min` to `max`, absent or not. */
export function wholeNumber(min: number, max: number): z.ZodType<number | undefined> {
  return z
    .string()
    .regex(/^\d{1,16}$/, notInteger)
    .transform(Number)
    .pipe(z.number().min(min, atLeast(min)).max(max, atMost(max)))
    .optional();
}

/** A moment in a query, as milliseconds since the epoch, absent or not. */
export const moment: z.ZodType<number | undefined> = z.iso
  .datetime({ offset: true, error: 'Give a time as 2026-01-31T23:59:00Z.' })
  .transform((text) => Date.parse(text))
  .optional();

/** Refuses a path or query that does not decode to storable text, before anything reads it. */
export const checkAddress: Koa.Middleware = async (ctx, next) => {
  for (const encoded of [ctx.path, ctx.querystring]) {
    const text = decoded(encoded);
    if (text === undefined || !isStorable(text)) {
      throw new Refusal(400, 'The address holds a malformed percent-encoding or a character that is not allowed.');
    }
  }
  await next();
};

/** Percent-encoded UTF-8 as text; undefined when it is none. An encoded surrogate is no UTF-8. */
function decoded(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

// ---- token ----

/** The token of the `Authorization` header; throws a Refusal with 401. REST takes no token from the query: addresses are logged. */
export function readToken(ctx: Koa.Context): string {
  const credentials = readCredentials(ctx.req.headers.authorization, undefined);
  if (credentials.kind === 'none') throw unauthorized(noCredentialsDetail);
  if (credentials.kind === 'malformed') throw unauthorized(credentials.detail);
  return credentials.token;
}
