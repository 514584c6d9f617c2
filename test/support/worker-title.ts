/**
 * AVA loads this before a file of tests (package.json, `ava.require`): it names the process after the file, so that `ps`
 * and the watchdog tell which file does not end.
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

process.title = relative(process.cwd(), fileURLToPath(test.meta.file));
