import './avatar.css';
import { hueOf, initialsOf } from '../names.ts';

/** A disc with the name's initials, in a colour of the name's own. Decoration: the name stands beside it. */
export function Avatar({ name, size }: { name: string; size?: string }) {
  return (
    <span
      class="avatar"
      aria-hidden="true"
      style={{ '--hue': String(hueOf(name)), ...(size !== undefined && { '--avatar-size': size }) }}
    >
      {initialsOf(name)}
    </span>
  );
}
