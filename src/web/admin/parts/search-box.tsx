/** A search that follows the typing. */
import './search-box.css';
import { useEffect, useId, useState } from 'preact/hooks';
import { SearchIcon } from '../../common/components/icons.tsx';
import { useResting } from '../hooks.ts';

/** Between two letters of somebody who types steadily there is less. */
const restMs = 250;

type SearchBoxProps = {
  label: string;
  hint?: string;
  value: string;
  onSearch: (text: string) => void;
};

export function SearchBox({ label, hint, value, onSearch }: SearchBoxProps) {
  const id = useId();
  const [text, setText] = useState(value);
  // The back button, or a link: what was typed is over.
  useEffect(() => setText(value), [value]);
  const search = (): void => {
    if (text.trim() !== value) onSearch(text.trim());
  };
  useResting(search, text, restMs);
  return (
    <form
      class="search-box"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        search();
      }}
    >
      <label class="only-heard" for={id}>
        {label}
      </label>
      <SearchIcon />
      <input
        id={id}
        class="input"
        type="search"
        placeholder={hint ?? label}
        value={text}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </form>
  );
}
