#!/usr/bin/env node
/** Process entry of the command line: the only file here that touches `process`'s streams, arguments and environment. */
import { runCommandLine } from './program.ts';

// `finchat users list | head -1` closes our output early: what is left has no reader, and that is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  folder: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
