/**
 * Holds single messages against docs/asyncapi.yaml: tests pass every frame that they see through here, so that the
 * document cannot drift from what is on the wire. Knows the document only, not the types in src/protocol.
 */
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import type { ExecutionContext } from 'ava';
import { parse } from 'yaml';
import type { Client } from '../../src/client/index.ts';

type Schema = { properties: Record<string, { const?: string } | boolean>; required?: string[] };
type Message = { summary: string; payload: Schema; examples: { payload: Record<string, unknown> }[] };

export type AsyncApi = {
  channels: { chat: { address: string; messages: Record<string, { $ref: string }> } };
  operations: Record<
    string,
    { action: 'send' | 'receive'; messages: { $ref: string }[]; reply?: { messages: { $ref: string }[] } }
  >;
  components: { messages: Record<string, Message>; schemas: Record<string, unknown> };
};

// Tests run as dist/test/…: the document is not compiled, so it is three folders up from here.
export const asyncapi: AsyncApi = parse(
  readFileSync(new URL('../../../docs/asyncapi.yaml', import.meta.url), 'utf8'),
) as AsyncApi;

const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: true });
ajv.addSchema(asyncapi, 'asyncapi');

export type DocumentedMessage = {
  /** The key in `components.messages`. */
  name: string;
  from: 'client' | 'server';
  type: string;
  /** Server messages have one. */
  code: string | undefined;
  message: Message;
  validate: ValidateFunction;
};

export const documentedMessages: readonly DocumentedMessage[] = Object.entries(asyncapi.components.messages).map(
  ([name, message]) => {
    const code = constant(message.payload, 'code');
    return {
      name,
      from: code === undefined ? 'client' : 'server',
      type: constant(message.payload, 'type') ?? '',
      code,
      message,
      validate: ajv.compile({ $ref: `asyncapi#/components/messages/${name}/payload` }),
    };
  },
);

/** What is wrong with a parsed message, as a sentence; undefined when the document has it so. */
export function frameFault(from: 'client' | 'server', frame: unknown): string | undefined {
  const fields = typeof frame === 'object' && frame !== null ? (frame as Record<string, unknown>) : {};
  const candidates = documentedMessages.filter(
    (entry) =>
      entry.from === from && entry.type === fields.type && (entry.code === undefined || entry.code === fields.code),
  );
  if (candidates.length === 0) return `docs/asyncapi.yaml has no such message of the ${from}: ${JSON.stringify(frame)}`;
  const faults: string[] = [];
  for (const { name, validate } of candidates) {
    if (validate(frame)) return undefined;
    faults.push(`${name}: ${ajv.errorsText(validate.errors, { dataVar: '' })}`);
  }
  return `${JSON.stringify(frame)} is not as docs/asyncapi.yaml has it. ${faults.join('; ')}`;
}

/** Throws unless the parsed message is one that the server may send. */
export function assertServerFrame(frame: unknown): void {
  const fault = frameFault('server', frame);
  if (fault !== undefined) throw new Error(fault);
}

/** Holds every message that an SDK client hears against the document; the test's end reports the first that is not in it. */
export function checkFrames(t: ExecutionContext, client: Pick<Client, 'on'>): void {
  let fault: string | undefined;
  client.on('frame', (frame) => {
    fault ??= frameFault('server', frame);
  });
  t.teardown(() => {
    if (fault !== undefined) throw new Error(fault);
  });
}

/** Throws unless the parsed message is one that a client may send. */
export function assertClientFrame(frame: unknown): void {
  const fault = frameFault('client', frame);
  if (fault !== undefined) throw new Error(fault);
}

function constant(schema: Schema, key: string): string | undefined {
  const property = schema.properties[key];
  return typeof property === 'object' ? property.const : undefined;
}
