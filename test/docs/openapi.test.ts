import { readdirSync } from 'node:fs';
import Router from '@koa/router';
import { Validator } from '@seriousme/openapi-schema-validator';
import test from 'ava';
import { parse } from 'yaml';
import { auditActs } from '../../src/protocol/admin.ts';
import { limits } from '../../src/protocol/limits.ts';
import { readProjectFile, tableRows } from './markdown.ts';

type Operation = { security?: unknown[]; responses: Record<string, unknown>; requestBody?: unknown };
type OpenApi = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, Record<string, unknown>> }> };
};
const openapi = parse(readProjectFile('docs/openapi.yaml')) as OpenApi;

test('the document is valid OpenAPI 3.1', async (t) => {
  const validator = new Validator();
  const result = await validator.validate(readProjectFile('docs/openapi.yaml'));
  t.true(result.valid, JSON.stringify(result.errors));
  t.is(validator.version, '3.1');
});

test('the paths and methods are those of the routes', async (t) => {
  const router = new Router();
  const folder = new URL('../../src/http/routes/', import.meta.url);
  // Adding routes only names them: nothing of the tools is used before a request comes.
  const tools = {
    settings: {},
    accounts: {},
    attempts: {},
    rooms: {},
    messages: {},
    presence: {},
    chat: {},
    admin: {},
  };
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.js') && !name.endsWith('.test.js'))) {
    const module = (await import(new URL(file, folder).href)) as Record<
      string,
      (router: Router, tools: object) => void
    >;
    for (const [name, addRoutes] of Object.entries(module)) if (name.endsWith('Routes')) addRoutes(router, tools);
  }
  const routes = router.stack.flatMap(({ path, methods }) =>
    methods
      .filter((method) => method !== 'HEAD')
      .map((method) => `${method} ${String(path).replaceAll(/:(\w+)/g, '{$1}')}`),
  );
  const documented = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.deepEqual(documented.toSorted(), routes.toSorted());
});

test('the calls are those of the tables in PROTOCOL.md and ADMIN.md, with their refusals', (t) => {
  const page = readProjectFile('docs/PROTOCOL.md');
  const rows = [
    ...tableRows(page, 'call'),
    ...tableRows(page, 'chat call'),
    ...tableRows(readProjectFile('docs/ADMIN.md'), 'admin call'),
  ];
  const fromPage = rows.map(([call = '']) => call.replace(/^`|`$/g, '')).toSorted();
  const calls = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.deepEqual(calls.toSorted(), fromPage);
  for (const [call = '', , answers = '', refuses = ''] of rows) {
    const [method = '', path = ''] = call.split(' ');
    const operation = openapi.paths[path]?.[method.toLowerCase()];
    const statuses = [...`${answers} ${refuses}`.matchAll(/\b[1-5]\d\d\b/g)].map(([status]) => status);
    for (const status of statuses) t.truthy(operation?.responses[status], `${call} ${status}`);
  }
});

test('a call that needs a token can answer 401, one with a body 413 and 415, one that asks the store 503', (t) => {
  for (const [path, methods] of Object.entries(openapi.paths)) {
    for (const operation of Object.values(methods)) {
      const has = (status: string): boolean => operation.responses[status] !== undefined;
      const needsToken = operation.security === undefined || operation.security.length > 0;
      t.is(has('401'), needsToken, path);
      t.is(has('413') && has('415'), operation.requestBody !== undefined, path);
      if (path !== '/assets/{name}' && path !== '/healthz') t.true(has('503'), path);
    }
  }
});

test('the bounds in the schemas are those of the code', (t) => {
  const { Registration, RoomName } = openapi.components.schemas;
  t.is(Registration?.properties.username?.maxLength, limits.usernameLength);
  t.is(Registration?.properties.password?.minLength, limits.passwordMinLength);
  const documented = (operation: unknown): Record<string, unknown> => operation as Record<string, unknown>;
  const { parameters } = documented(openapi.paths['/poll/chat']?.get) as { parameters: { schema?: object }[] };
  t.like(parameters.at(-1)?.schema, { maximum: limits.pollWaitMaxSeconds, default: limits.pollWaitSeconds });
  t.is((RoomName as unknown as { maxLength: number }).maxLength, limits.roomNameLength);
});

test('bounds, acts and codes of the administration are those of the code', (t) => {
  const { parameters, schemas, requestBodies } = openapi.components as unknown as Record<
    string,
    Record<string, Record<string, unknown>>
  >;
  t.like(parameters?.Limit?.schema, { maximum: limits.pageRows, default: limits.pageRowsDefault });
  for (const name of ['Search', 'Words', 'OfUser', 'InRoom', 'Actor', 'Target']) {
    t.like(parameters?.[name]?.schema, { maxLength: limits.searchLength }, name);
  }
  t.like(schemas?.Topic, { maxLength: limits.topicLength });
  t.like(schemas?.Minutes, { maximum: limits.banMinutes });
  t.like(schemas?.BanRecord?.properties, { reason: { type: 'string', maxLength: limits.banReasonLength } });
  t.like(requestBodies?.Ban?.content, {
    'application/json': { schema: { properties: { reason: { maxLength: limits.banReasonLength } } } },
  });
  t.deepEqual(schemas?.AuditAct?.enum, [...auditActs]);
});
