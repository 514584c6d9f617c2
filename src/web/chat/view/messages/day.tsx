import './day.css';
import { times } from '../../../common/texts.ts';
import { today } from './today.ts';

/** The line between two days: what follows is of the day of `at`. */
export function Day({ at }: { at: number }) {
  // Noon: the name of a day is asked for the middle of today.
  return <div class="day">{times.dayName(at, new Date(`${today.value}T12:00`).getTime())}</div>;
}
