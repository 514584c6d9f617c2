/** Who sits at the command line: the operating system's user, as far as it knows one. */
import { userInfo } from 'node:os';
import type { Actor } from '../src/core/ports.ts';

type ReadUser = () => { username: string };

/** Undefined where the user's number has no name: in a container that was started with any `--user`. */
export function operatorName(readUser: ReadUser = userInfo): string | undefined {
  try {
    return readUser().username;
  } catch {
    // libuv finds no entry in the system's list of users.
    return undefined;
  }
}

/** As the audit log names the operator. */
export function operator(readUser: ReadUser = userInfo): Actor {
  const name = operatorName(readUser) ?? `uid ${process.getuid?.() ?? 'unknown'}`;
  return { userId: null, name, via: 'command' };
}
