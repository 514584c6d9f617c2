/** Where one writes. It never waits for the connection: what is sent while it is away waits in the room. */
import './composer.css';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { IconButton } from '../../../common/components/button.tsx';
import { SendIcon } from '../../../common/components/icons.tsx';
import { texts } from '../../../common/texts.ts';
import type { OpenRoom } from '../../model/model.ts';
import { useModel } from '../context.ts';
import { hasMouse } from '../layout.ts';
import { Suggestions, useSuggestions } from './suggestion-list.tsx';
import { type RoomLeft, roomLeft } from './suggestions.ts';

const says = texts.chat.composer;
/** Characters between two times that the rest is read out: not at every letter. */
const heardStep = 100;

export function Composer({ room }: { room: OpenRoom }) {
  const input = useRef<HTMLTextAreaElement>(null);
  const { text, left, canSend, write, send } = useDraft(room, input);
  const suggestions = useSuggestions(text, input, useModel().knownCommands.value, (command) => write(`/${command}=`));
  useHeight(input, text);
  useFocusOnOpen(input);
  const onKeyDown = (event: KeyboardEvent): void => {
    // Enter that ends a word of Japanese or Chinese sends nothing. Safari tells of it too late, but by its key code.
    if (event.isComposing || event.keyCode === 229) return;
    if (suggestions.onKeyDown(event) || event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {suggestions.isOpen && <Suggestions {...suggestions} />}
      <div class="composer-box">
        <textarea
          ref={input}
          id="composer"
          class="composer-input"
          rows={1}
          aria-label={says.label(room.name)}
          aria-autocomplete="list"
          aria-haspopup="listbox"
          {...suggestions.ties}
          {...(left.kind === 'beyond' && { 'aria-invalid': true as const })}
          aria-describedby="composer-left"
          placeholder={says.placeholder(room.name)}
          enterkeyhint="send"
          value={text}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onBlur={suggestions.close}
        />
        <IconButton
          type="submit"
          label={says.send}
          icon={<SendIcon />}
          look={canSend ? 'primary' : 'quiet'}
          aria-disabled={!canSend}
        />
      </div>
      <div class="composer-foot">
        <span class="composer-hint" aria-hidden="true">
          {says.hint}
        </span>
        <Left left={left} />
      </div>
    </form>
  );
}

/** What is being written, kept with its room while another is shown. */
function useDraft(room: OpenRoom, input: RefObject<HTMLTextAreaElement | null>) {
  const model = useModel();
  const [text, setText] = useState(room.draft);
  const left = roomLeft(text, model.maxLength.value);
  const canSend = text.trim() !== '' && left.kind !== 'beyond';
  const write = (next: string): void => {
    room.draft = next;
    setText(next);
  };
  const send = (): void => {
    if (!canSend) return;
    model.send(room.name, text);
    write('');
    input.current?.focus();
  };
  return { text, left, canSend, write, send };
}

/** How much more may be written, or is too much. */
function Left({ left }: { left: RoomLeft }) {
  return (
    <>
      <span id="composer-left" class={`composer-left ${left.kind === 'beyond' ? 'composer-beyond' : ''}`}>
        {left.kind === 'near' && says.left(left.left)}
        {left.kind === 'beyond' && says.tooLong(-left.left)}
      </span>
      <span class="only-heard" role="status">
        {left.kind === 'near' && says.left(Math.ceil(left.left / heardStep) * heardStep)}
        {left.kind === 'beyond' && says.tooLongHeard}
      </span>
    </>
  );
}

/** As high as its text, where the style sheet alone cannot make it so. */
function useHeight(input: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    const element = input.current;
    if (element === null || CSS.supports('field-sizing', 'content')) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
}

/** The caret stands behind the draft. On a phone nothing is focused: the keyboard would cover the messages. */
function useFocusOnOpen(input: RefObject<HTMLTextAreaElement | null>): void {
  useEffect(() => {
    const element = input.current;
    if (element === null || !hasMouse.peek()) return;
    element.focus();
    element.setSelectionRange(element.value.length, element.value.length);
  }, []);
}
