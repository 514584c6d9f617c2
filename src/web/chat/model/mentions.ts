/** Whether a text names somebody. */
import { foldName } from '../../../protocol/text.ts';

/** A shorter name is an everyday word in some language ("a", "il"): it counts after an `@` only. */
const plainNameMin = 3;
const wordPart = /[\p{L}\p{N}\p{M}_]/u;
/** What a name may have inside, as in `ann.smith`; at its end it belongs to the sentence. */
const joint = /[.@+-]/;
/** UTF-16 units beside a name that are looked at: three characters at least, whole ones. */
const lookUnits = 7;

/** `@name`, or the name as a word of its own, without regard to case. */
export function mentions(text: string, name: string): boolean {
  const wanted = foldName(name);
  if (wanted === '') return false;
  const folded = foldName(text);
  for (let at = folded.indexOf(wanted); at !== -1; at = folded.indexOf(wanted, at + 1)) {
    const before = Array.from(folded.slice(Math.max(0, at - lookUnits), at)).reverse();
    const end = at + wanted.length;
    const isAddressed = before[0] === '@';
    if (isAddressed) before.shift();
    else if (wanted.length < plainNameMin) continue;
    if (!goesOn(before) && !goesOn(Array.from(folded.slice(end, end + lookUnits)))) return true;
  }
  return false;
}

/** Whether the name goes on beside it, with a letter or with a joint that a letter follows. */
function goesOn([next = ' ', afterNext = ' ']: readonly string[]): boolean {
  return wordPart.test(next) || (joint.test(next) && wordPart.test(afterNext));
}
