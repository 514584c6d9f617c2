/** What is made of a user's name: initials and a colour. */

/** Two letters at most: of the first two parts of the name, or its first two. Whole characters, never halves of one. */
export function initialsOf(name: string): string {
  const parts = name.split(/[^\p{L}\p{N}]+/u).filter((part) => part !== '');
  const first = Array.from(parts[0] ?? name);
  const second = Array.from(parts[1] ?? '');
  const initials = second.length > 0 ? [first[0], second[0]] : first.slice(0, 2);
  return initials.join('').toLocaleUpperCase();
}

/** Degrees on the colour wheel: the same for the same name, whatever its case. FNV-1a, for its spread over short texts. */
export function hueOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name.toLowerCase()) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  // Names that end alike differ in its upper bits.
  return (hash >>> 7) % 360;
}
