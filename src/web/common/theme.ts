/**
 * Light, dark, or as the system: what the reader chose is remembered, for both pages and all their tabs. Applied when
 * this module is loaded, before anything is painted.
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import { browserStore } from './storage.ts';

export type Theme = 'system' | 'light' | 'dark';
export const themes: readonly Theme[] = ['system', 'light', 'dark'];

const key = 'finchat.theme';

function remembered(): Theme {
  const stored = browserStore.readText(key);
  return themes.find((theme) => theme === stored) ?? 'system';
}

const chosen = signal<Theme>('system');
export const theme: ReadonlySignal<Theme> = chosen;

function apply(wanted: Theme): void {
  chosen.value = wanted;
  if (wanted === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = wanted;
  colourFrame();
}

/** What phones draw around the page has its colour. */
function colourFrame(): void {
  const colour = getComputedStyle(document.documentElement).backgroundColor;
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', colour);
}

export function chooseTheme(wanted: Theme): void {
  apply(wanted);
  browserStore.writeText(key, wanted === 'system' ? undefined : wanted);
}

/** Called once by each page, before it renders. */
export function startTheme(): void {
  apply(remembered());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', colourFrame);
  addEventListener('storage', (event) => {
    if (event.key === key || event.key === null) apply(remembered());
  });
}
