/** `npm run docs`: writes what is made from the program, docs/CLI.md and .env.sample. */
import { writeFile } from 'node:fs/promises';
import { renderCommandDocs } from './docs.ts';
import { renderEnvSample } from './env-sample.ts';

const { stdin, stdout, stderr } = process;
// dist/cli/write-docs.js → the project's folder.
const project = new URL('../../', import.meta.url);
const page = await renderCommandDocs({ env: {}, folder: '.', stdin, stdout, stderr });
await writeFile(new URL('docs/CLI.md', project), page);
await writeFile(new URL('.env.sample', project), renderEnvSample());
