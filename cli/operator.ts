/** Who sits at the command line: the operating system's user, as far as it knows one. */
import { userInfo } from 'node:os';
import type { Actor } from '../src/core/ports.ts';

/** Undefined where the user id has no name: in a container that was started with any `--user`. */
export function operatorName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // uv_os_get_passwd finds no entry.
    return undefined;
  }
}

/** As the audit log names the operator. */
export function operator(): Actor {
  return { userId: null, name: operatorName() ?? `uid ${process.getuid?.() ?? 'unknown'}`, via: 'command' };
}
