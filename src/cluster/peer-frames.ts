/** What nodes publish on the channels of nodes, and how it is recognised: anything else that is heard is garbage. */

/** Grows when nodes of two releases would misunderstand each other. */
export const peerVersion = 1;

/** Of ids and kinds, in characters; ours have about twenty. */
const maxNameLength = 100;

/** `at`: the sender's clock. `by`: what the asked node's clock showed when it was asked, as far as the asker knew. */
export type PeerFrame = { v: typeof peerVersion; from: string; at: number } & (
  | { type: 'ask'; id: number; kind: string; by: number; value: object }
  | { type: 'clock'; id: number }
  | { type: 'answer'; id: number; value: object }
  | { type: 'none'; id: number }
  | { type: 'abort'; ids: number[] }
  | { type: 'tell'; kind: string; value: object }
);

/** Without what each frame has. */
export type PeerBody = PeerFrame extends infer Frame
  ? Frame extends PeerFrame
    ? Omit<Frame, 'v' | 'from' | 'at'>
    : never
  : never;

/** `other-version`: from a node that speaks another version. */
export function parsePeerFrame(heard: unknown): PeerFrame | 'garbage' | 'other-version' {
  if (!isRecord(heard)) return 'garbage';
  const { v, from, at, type } = heard;
  if (v !== peerVersion) return Number.isSafeInteger(v) ? 'other-version' : 'garbage';
  if (!isName(from) || !Number.isFinite(at)) return 'garbage';
  return isBody(type, heard) ? (heard as PeerFrame) : 'garbage';
}

function isBody(type: unknown, { id, ids, kind, by, value }: Record<string, unknown>): boolean {
  switch (type) {
    case 'ask':
      return Number.isSafeInteger(id) && isName(kind) && Number.isFinite(by) && isRecord(value);
    case 'clock':
    case 'none':
      return Number.isSafeInteger(id);
    case 'abort':
      return Array.isArray(ids) && ids.every(Number.isSafeInteger);
    case 'answer':
      return Number.isSafeInteger(id) && isRecord(value);
    case 'tell':
      return isName(kind) && isRecord(value);
    default:
      return false;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxNameLength;
}
