/** Fields that together say what to look for: applied when asked to, so that a search is one step of the back button. */
import './filter-form.css';
import type { ComponentChildren } from 'preact';
import { Button, LinkButton } from '../../common/components/button.tsx';
import { SearchIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import { hashOf, type Route } from '../route.ts';

type FilterFormProps = {
  label: string;
  /** Where nothing is filtered; undefined: one is there. */
  clearTo: Route | undefined;
  onApply: () => void;
  children: ComponentChildren;
};

export function FilterForm({ label, clearTo, onApply, children }: FilterFormProps) {
  return (
    <form
      class="filter-form"
      role="search"
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        onApply();
      }}
    >
      {children}
      <div class="filter-actions">
        <Button type="submit" look="primary">
          <SearchIcon />
          {texts.admin.list.apply}
        </Button>
        {clearTo !== undefined && (
          <LinkButton look="quiet" href={hashOf(clearTo)}>
            {texts.admin.list.clear}
          </LinkButton>
        )}
      </div>
    </form>
  );
}
