/**
 * Commands to choose from while one is typed (the ARIA combobox pattern, as far as a text of several lines may have it):
 * the focus stays in the text.
 */
import type { RefObject } from 'preact';
import { useState } from 'preact/hooks';
import { TerminalIcon } from '../../../common/components/icons.tsx';
import { texts } from '../../../common/texts.ts';
import { suggestionsFor } from './suggestions.ts';

export type SuggestionList = {
  isOpen: boolean;
  options: readonly string[];
  selected: number;
  choose: (command: string) => void;
  close: () => void;
  /** What ties the text to the list, for screen readers. */
  ties: { 'aria-controls'?: string; 'aria-activedescendant'?: string };
  /** Whether the key was for the list. */
  onKeyDown: (event: KeyboardEvent) => boolean;
};

const optionId = (index: number): string => `suggestion-${index}`;

export function useSuggestions(
  text: string,
  input: RefObject<HTMLTextAreaElement | null>,
  known: readonly string[],
  onChoose: (command: string) => void,
): SuggestionList {
  const [selected, setSelected] = useState(0);
  /** The text at which they were sent away: they come again when it changes. */
  const [closedAt, setClosedAt] = useState<string | undefined>(undefined);
  const options = text === closedAt ? [] : suggestionsFor(text, input.current?.selectionStart ?? text.length, known);
  const isOpen = options.length > 0;
  const at = Math.min(selected, options.length - 1);
  const close = (): void => setClosedAt(text);
  const choose = (command: string): void => {
    onChoose(command);
    setSelected(0);
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (!isOpen) return false;
    const chosen = options[at];
    if (event.key === 'ArrowDown') setSelected((at + 1) % options.length);
    else if (event.key === 'ArrowUp') setSelected((at + options.length - 1) % options.length);
    else if (event.key === 'Escape') close();
    else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey && chosen !== undefined) choose(chosen);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const ties = isOpen ? { 'aria-controls': 'suggestions', 'aria-activedescendant': optionId(at) } : {};
  return { isOpen, options, selected: at, choose, close, ties, onKeyDown };
}

export function Suggestions({ options, selected, choose }: SuggestionList) {
  return (
    <ul id="suggestions" class="suggestions scrolls" role="listbox" aria-label={texts.chat.composer.commands}>
      {options.map((command, index) => (
        <li
          key={command}
          id={optionId(index)}
          class="suggestion"
          role="option"
          aria-selected={index === selected}
          // The text keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => choose(command)}
        >
          <TerminalIcon size={15} />
          {`/${command}=`}
        </li>
      ))}
    </ul>
  );
}
