/** Keeps the model's place and the address together. The address leads; it follows where a room opens or closes by itself. */
import { useEffect } from 'preact/hooks';
import type { ChatModel, Place } from '../model/model.ts';
import { useModel } from './context.ts';
import { isNarrow } from './layout.ts';
import { goInstead, route } from './router.ts';

export function useFollow(): void {
  const model = useModel();
  const at = route.value;
  const name = at.kind === 'room' ? at.name : undefined;
  useEffect(() => {
    const place = model.place.peek();
    if (name !== undefined && !(place.kind === 'room' && place.name === name)) void model.openRoom(name);
    else if (at.kind === 'log' && place.kind !== 'log') model.openLog();
  }, [at.kind, name]);
  useEffect(() => {
    let isFirst = true;
    return model.place.subscribe((place) => {
      follow(model, place, isFirst);
      isFirst = false;
    });
  }, []);
}

/** `isFirst`: it has not changed yet, and the address has its say before. */
function follow(model: ChatModel, place: Place, isFirst: boolean): void {
  const shown = route.peek();
  if (shown.kind === 'log') {
    // The room of last time; but the log was asked for.
    if (place.kind === 'room') model.openLog();
  } else if (shown.kind === 'rooms') {
    if (place.kind === 'room' && !isNarrow.peek()) goInstead({ kind: 'room', name: place.name, isPeopleShown: false });
  } else if (!isFirst && !(place.kind === 'room' && place.name === shown.name)) {
    // It was left, was deleted, or could not be joined.
    const isElsewhere = place.kind === 'room' && !isNarrow.peek();
    goInstead(isElsewhere ? { kind: 'room', name: place.name, isPeopleShown: false } : { kind: 'rooms' });
  }
}
