/** What every page does first: its styles, its theme, its language; then it shows itself. */
import './styles/index.css';
import { type ComponentChild, render } from 'preact';
import { language } from './texts.ts';
import { startTheme } from './theme.ts';

export function startPage(title: string, page: () => ComponentChild): void {
  startTheme();
  document.documentElement.lang = language;
  document.title = title;
  const root = document.querySelector('#root');
  if (root !== null) render(page(), root);
}
