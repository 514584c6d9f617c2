import { piecesOf } from '../links.ts';

/** A text of somebody else's, with its links: text nodes and anchors, never markup. */
export function LinkedText({ text }: { text: string }) {
  return (
    <>
      {piecesOf(text).map(({ text: shown, href }) =>
        href === undefined ? (
          shown
        ) : (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {shown}
          </a>
        ),
      )}
    </>
  );
}
