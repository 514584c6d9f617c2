/** What the load needs of a client, whatever carries its messages. Each `raw-…` file has one transport's. */
export type RawClientEvents = {
  /** A server message's JSON: these bytes, valid only during the call. No slice: that costs more than counting does. */
  onMessage: (bytes: Buffer, from: number, to: number) => void;
  /** The connection is gone, or does not speak as it should; the words follow "a connection was". May come twice. */
  onEnd: (how: string) => void;
};

export type RawClient = { send: (message: string) => void; end: () => void };

/**
 * Resolves once the server has let the client in; rejects when it refuses, or after ten seconds. `room`: where there are
 * no joins, the one to open.
 */
export type OpenRawClient = (port: number, token: string, events: RawClientEvents, room?: string) => Promise<RawClient>;
