import { piecesOf } from '../links.ts';

/** A text of somebody else's, with its links: text nodes and anchors, never markup. */
export function LinkedText({ text }: { text: string }) {
  return (
    <>
      {piecesOf(text).map(({ text: shown, href }) =>
        href === undefined ? (
          shown
        ) : (
          // Its own direction: nothing before it turns its address around.
          <a dir="ltr" href={href} target="_blank" rel="noopener noreferrer nofollow">
            {shown}
          </a>
        ),
      )}
    </>
  );
}
