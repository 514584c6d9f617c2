/** A page's frame: its heading, which has the focus when one comes to the page, what can be done there, and its title. */
import './page.css';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ChevronRightIcon } from '../../common/components/icons.tsx';
import { texts } from '../../common/texts.ts';
import type { Route } from '../route.ts';
import { Link } from './link.tsx';

type PageProps = {
  title: string;
  /** Beside the heading: badges, an avatar. */
  before?: ComponentChildren;
  after?: ComponentChildren;
  lead?: ComponentChildren;
  up?: { to: Route; title: string };
  actions?: ComponentChildren;
  children: ComponentChildren;
};

/** A page that was just loaded leaves the focus where the browser put it; after a log-in, or a link, it is at the heading. */
const hasBeenUsed = (): boolean => navigator.userActivation?.hasBeenActive ?? true;

/** The address at whose heading the focus was put last. */
let placedAt = '';

/** What comes later at the same address, as a record that was being read, takes the focus only where it has been lost. */
function isFocusFree(): boolean {
  const isNewPlace = placedAt !== location.hash;
  placedAt = location.hash;
  return isNewPlace || document.activeElement === document.body;
}

export function Page({ title, before, after, lead, up, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = texts.admin.titleOf(title);
  }, [title]);
  useEffect(() => {
    if (!isFocusFree() || !hasBeenUsed()) return;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <>
      <header class="page-head">
        {before}
        <div class="page-words">
          {up !== undefined && (
            <p class="page-up">
              <Link to={up.to}>{up.title}</Link>
              <ChevronRightIcon size={14} />
            </p>
          )}
          <div class="page-title">
            <h1 ref={heading} tabIndex={-1}>
              {title}
            </h1>
            {after}
          </div>
          {lead !== undefined && <p class="page-lead">{lead}</p>}
        </div>
        {actions !== undefined && <div class="page-actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

/** One matter of a page, with a heading of its own. */
export function Card({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="card">
      <header class="card-head">
        <h2>{title}</h2>
        {actions !== undefined && <div class="card-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

export type Fact = { title: string; value: ComponentChildren; action?: ComponentChildren };

/** Names and what they are, each perhaps with what can be done about it. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ title, value, action }) => (
        <div key={title} class="fact">
          <dt>{title}</dt>
          <dd>
            <div class="fact-value">{value}</div>
            {action !== undefined && <div class="fact-action">{action}</div>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
