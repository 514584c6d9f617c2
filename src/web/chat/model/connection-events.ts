/** What the client tells of its connection, as the link that is shown and as lines of the log. */
import type { Signal } from '@preact/signals';
import type { Client } from '../../../client/index.ts';
import { defaultMotd } from '../../../protocol/motd.ts';
import type { Texts } from '../../texts/texts.ts';
import type { Log } from './log.ts';
import type { Link } from './model.ts';
import { codeOf, type Sentences } from './sentences.ts';

export type ConnectionEventsDeps = {
  link: Signal<Link>;
  log: Log;
  texts: Texts['chat']['model'];
  sentences: Sentences;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Returns what stops it. */
export function watchConnection(client: Client, deps: ConnectionEventsDeps): () => void {
  const { link, log, texts, sentences, now } = deps;
  /** Whether this client was in the chat before. */
  let wasOpen = false;
  const change = (part: Partial<Link>): void => {
    link.value = { ...link.peek(), ...part };
  };
  const removers = [
    client.on('state', ({ state, previous }) => {
      change({ state, ...(state === 'open' ? { backAt: undefined } : {}) });
      if (state === 'connecting' && !wasOpen) log.addConnection(texts.connecting);
      if (state !== 'waiting') return;
      log.addConnection(previous === 'open' ? texts.connectionLost : texts.serverUnreachable);
    }),
    client.on('transport', ({ transport }) => {
      const before = link.peek().transport;
      change({ transport });
      if (transport !== undefined && before !== undefined) log.addConnection(texts.transportChanged(transport));
    }),
    client.on('session', ({ resumed }) => {
      const { transport } = client;
      if (transport === undefined) return;
      if (!wasOpen) log.addConnection(texts.connected(transport));
      else log.addConnection(resumed ? texts.resumed(transport) : texts.newSession(transport));
      wasOpen = true;
    }),
    client.on('server-closing', ({ reconnectInMs }) => {
      change({ backAt: now() + reconnectInMs });
      log.add('connection', texts.serverClosing(Math.ceil(reconnectInMs / 1_000)), 'server-closing');
    }),
    client.on('error', (error) => log.add('error', sentences.other(error), codeOf(error))),
    client.on('motd', ({ content }) => {
      if (content !== defaultMotd) log.add('notice', content);
    }),
    client.on('end', ({ reason }) => {
      if (reason !== 'closed' && reason !== 'suspended') log.add('connection', texts.ends[reason], reason);
    }),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}
