/** One item of a room, in the form that its kind has. Every colour has an icon and a word beside it. */
import type { ComponentChildren } from 'preact';
import { Avatar } from '../../../common/components/avatar.tsx';
import { Badge } from '../../../common/components/badge.tsx';
import { Button } from '../../../common/components/button.tsx';
import {
  AlertIcon,
  AtIcon,
  ClockIcon,
  JoinIcon,
  LeaveIcon,
  TerminalIcon,
  TrashIcon,
} from '../../../common/components/icons.tsx';
import { LinkedText } from '../../../common/components/linked-text.tsx';
import { texts, times } from '../../../common/texts.ts';
import type { CommandItem, DeletedItem, Delivery, Item, MessageItem, PresenceItem } from '../../model/model.ts';

const says = texts.chat.messages;
export type RowActions = { resend: (key: string) => void; discard: (key: string) => void };
/** `isHead`: it has its author's face and name. */
type RowProps = { item: Item; isHead: boolean; actions: RowActions };

export function Row({ item, isHead, actions }: RowProps) {
  if (item.kind === 'message' || item.kind === 'command') return <Said item={item} isHead={isHead} actions={actions} />;
  return item.kind === 'deleted' ? <Deleted item={item} /> : <Presence item={item} />;
}

function Time({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={times.full(at)}>
      {times.clock(at)}
    </time>
  );
}

function Said({ item, isHead, actions }: { item: MessageItem | CommandItem; isHead: boolean; actions: RowActions }) {
  const { user, you, at, delivery } = item;
  const isMention = item.kind === 'message' && item.isMention && !you;
  const classes = [
    'row',
    isHead && 'row-head',
    you && 'row-you',
    isMention && 'row-mention',
    delivery.state === 'pending' && 'row-pending',
  ];
  return (
    <div class={classes.filter(Boolean).join(' ')} data-key={item.key}>
      <div class="row-gutter">{isHead ? <Avatar name={user} /> : <Time at={at} />}</div>
      <div>
        {isHead ? (
          <div class="row-who">
            <span class="row-name">{user}</span>
            {you && <Badge>{texts.chat.room.you}</Badge>}
            {isMention && <Mentioned />}
            <Time at={at} />
          </div>
        ) : (
          // Screen readers hear who said it, whatever is above.
          <span class="only-heard">
            {`${user}: `}
            {isMention && says.mentionsYou}
          </span>
        )}
        {item.kind === 'message' ? <Body text={item.body} /> : <Command item={item} />}
        <State delivery={delivery} itemKey={item.key} actions={actions} />
      </div>
    </div>
  );
}

function Body({ text }: { text: string }) {
  return (
    <span class="row-body" dir="auto">
      <LinkedText text={text} />
    </span>
  );
}

function Command({ item }: { item: CommandItem }) {
  return (
    <span class="command">
      <TerminalIcon size={14} />
      <code>{`/${item.command}=${item.payload}`}</code>
      <span class="command-word">{says.command}</span>
    </span>
  );
}

function Mentioned() {
  return (
    <Badge tone="warn">
      <AtIcon size={12} />
      {says.mentionsYou}
    </Badge>
  );
}

function State({ delivery, itemKey, actions }: { delivery: Delivery; itemKey: string; actions: RowActions }) {
  if (delivery.state === 'sent') return null;
  if (delivery.state === 'pending') {
    return (
      <span class="row-state">
        <ClockIcon size={12} />
        {says.pending}
      </span>
    );
  }
  return (
    <div class="row-failed">
      <AlertIcon size={15} />
      <span>{delivery.why}</span>
      <span class="row-actions">
        <Button isSmall onClick={() => actions.resend(itemKey)}>
          {says.resend}
        </Button>
        <Button isSmall look="quiet" onClick={() => actions.discard(itemKey)}>
          {says.discard}
        </Button>
      </span>
    </div>
  );
}

type LineProps = { kind: string; itemKey: string; icon: ComponentChildren; at: number; children: ComponentChildren };

function Line({ kind, itemKey, icon, at, children }: LineProps) {
  return (
    <div class={`row row-${kind}`} data-key={itemKey}>
      <div class="row-gutter row-icon">{icon}</div>
      <div class="row-line">
        <span>{children}</span>
        <Time at={at} />
      </div>
    </div>
  );
}

function Presence({ item: { kind, key, user, you, at } }: { item: PresenceItem }) {
  const words =
    kind === 'joined' ? (you ? says.youJoined : says.joined(user)) : you ? says.youParted : says.parted(user);
  return (
    <Line kind={kind} itemKey={key} icon={kind === 'joined' ? <JoinIcon size={15} /> : <LeaveIcon size={15} />} at={at}>
      {words}
    </Line>
  );
}

function Deleted({ item: { key, user, you, at } }: { item: DeletedItem }) {
  return (
    <Line kind="deleted" itemKey={key} icon={<TrashIcon size={15} />} at={at}>
      {you ? says.deletedYours : says.deleted(user)}
    </Line>
  );
}
