/**
 * Every call of the administration API, once: what the tests of roles go through. A call that is in the document and not
 * here fails one of them.
 */
export type AdminCall = {
  /** As in docs/openapi.yaml. */
  name: string;
  method: string;
  path: string;
  json?: unknown;
  /** What a superuser is answered. */
  status: number;
};

type Row = readonly [name: string, status: number, json?: unknown];

const rows: readonly Row[] = [['GET /admin/api/now', 200]];

/** In this order each of them succeeds. */
export const adminCalls: readonly AdminCall[] = rows.map(([name, status, json]) => {
  const [method = '', pattern = ''] = name.split(' ');
  return { name, method, path: pattern, status, ...(json === undefined ? {} : { json }) };
});
