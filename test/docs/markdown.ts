/** Reads the documents for the tests that hold them against the code. Knows only as much Markdown as our own pages use. */
import { existsSync, readFileSync } from 'node:fs';

// Tests run as dist/test/docs/…: the project is three folders up.
const root = new URL('../../../', import.meta.url);

/** A file of the project as text. `path` is relative to the project's folder. */
export function readProjectFile(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** Whether a file or folder of the project is there. */
export function isProjectPath(path: string): boolean {
  return existsSync(new URL(path, root));
}

/** The rows, without the head, of the table whose first head cell is `head`; code marks of a first cell are taken off. */
export function tableRows(markdown: string, head: string): string[][] {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|') && line.split('|')[1]?.trim() === head);
  if (start < 0) throw new Error(`There is no table whose first column is "${head}".`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    // A | inside a cell is written \|.
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    rows.push(cells.map((cell) => cell.trim().replaceAll('\\|', '|')));
  }
  return rows.map(([first = '', ...rest]) => [first.replace(/^`(.*)`$/, '$1'), ...rest]);
}
