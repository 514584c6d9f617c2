/** What a session client asks for, and how much of it goes out at once. */

export type Request = { [key: string]: unknown; type: string; ref: string; room_name?: string };

/** Bytes of one POST: below the server's bound of 64 KiB. */
const batchBytes = 50_000;

/** Takes up to `count` requests from the front, one at least, as far as one POST carries them. */
export function takeBatch(outgoing: Request[], count: number): Request[] {
  let bytes = 0;
  let taken = 0;
  for (const request of outgoing) {
    bytes += Buffer.byteLength(JSON.stringify(request));
    if (taken >= count || (taken > 0 && bytes > batchBytes)) break;
    taken += 1;
  }
  return outgoing.splice(0, taken);
}
