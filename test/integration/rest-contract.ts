/** Holds the answers that tests see against docs/openapi.yaml. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { readProjectFile } from '../docs/markdown.ts';

type Reference = { $ref: string };
type Response = {
  headers?: Record<string, unknown>;
  content?: Record<string, unknown>;
};
type OpenApi = { paths: Record<string, Record<string, { responses: Record<string, Response | Reference> }>> };

const openapi = parse(readProjectFile('docs/openapi.yaml')) as OpenApi;
const ajv = new Ajv2020({ strict: false, allErrors: true, unicodeRegExp: true });
ajv.addSchema(openapi, 'openapi');
const validators = new Map<string, ValidateFunction>();

/** The answers that any path can give, as the document's introduction says: an address that does not decode, no path, no method. */
const anywhere = new Set([400, 404, 405]);
const jsonType = 'application/json';

/** What an answer has that the document does not allow, or undefined. A 500 is in no contract: tests that want one do not ask here. */
export function answerFault(
  method: string,
  address: string,
  answer: { status: number; headers: Headers; body: unknown; text: string },
): string | undefined {
  const { status, headers, body, text } = answer;
  const name = `${method} ${address} → ${status} ${text.slice(0, 300)}`;
  const path = Object.keys(openapi.paths).find((pattern) => isPath(pattern, address));
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
  const pointer = path === undefined ? undefined : ['paths', path, verb, 'responses', String(status)];
  const documented = pointer === undefined ? undefined : resolve(pointer);
  if (documented === undefined) {
    if (!anywhere.has(status)) return `${name}: the document has no such answer`;
    return method === 'HEAD' ? undefined : fault(name, ['components', 'schemas', 'Detail'], body);
  }
  const { pointer: at, response } = documented;
  for (const header of Object.keys(response.headers ?? {})) {
    if (!headers.has(header)) return `${name}: lacks the header ${header}`;
  }
  if (response.content === undefined) return text === '' ? undefined : `${name}: has a body`;
  const types = Object.keys(response.content).filter((type) => type !== '*/*');
  const type = headers.get('content-type') ?? 'none';
  if (types.length > 0 && !types.some((one) => type.startsWith(one))) return `${name}: is of the type ${type}`;
  if (method === 'HEAD') return text === '' ? undefined : `${name}: has a body`;
  if (!types.includes(jsonType)) return undefined;
  return fault(name, [...at, 'content', jsonType, 'schema'], body);
}

function isPath(pattern: string, address: string): boolean {
  const path = address.split('?')[0] ?? '';
  const given = path === '/' ? path : path.replace(/\/$/, '');
  return new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(given);
}

function resolve(pointer: readonly string[]): { pointer: readonly string[]; response: Response } | undefined {
  let value: unknown = openapi;
  for (const key of pointer) value = (value as Record<string, unknown> | undefined)?.[key];
  if (value === undefined) return undefined;
  const { $ref } = value as Partial<Reference>;
  if ($ref !== undefined) return resolve($ref.slice('#/'.length).split('/'));
  return { pointer, response: value as Response };
}

function fault(name: string, pointer: readonly string[], body: unknown): string | undefined {
  const escaped = pointer.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')));
  const $ref = `openapi#/${escaped.join('/')}`;
  const validate = validators.get($ref) ?? ajv.compile({ $ref });
  validators.set($ref, validate);
  return validate(body) ? undefined : `${name}: ${ajv.errorsText(validate.errors)}`;
}
