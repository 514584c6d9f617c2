/** The names of the bus's channels. The cluster's id is in each, so that two clusters may share one Redis. */

export type Channels = {
  /** What is told to all nodes. */
  readonly all: string;
  node(id: string): string;
  room(id: number): string;
};

export function createChannels(clusterId: string): Channels {
  const prefix = `finchat:${clusterId}`;
  return {
    all: `${prefix}:all`,
    node: (id) => `${prefix}:node:${id}`,
    room: (id) => `${prefix}:room:${id}`,
  };
}
