import { limits } from '../../../protocol/limits.ts';
import { TextField } from '../../common/components/field.tsx';
import { texts } from '../../common/texts.ts';
import type { FormFaults } from '../faults.ts';

const said = texts.admin.rooms;

export type RoomText = { name: string; topic: string };
type RoomFieldsProps = {
  value: RoomText;
  faults: FormFaults['fields'];
  /** Which is written first. */
  first: keyof RoomText;
  onInput: (value: RoomText) => void;
};

/** What a room is called and about, for a form that makes or changes one. */
export function RoomFields({ value, faults, first, onInput }: RoomFieldsProps) {
  return (
    <>
      <TextField
        label={said.name}
        hint={said.nameHint}
        errors={faults['name']}
        value={value.name}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        autofocus={first === 'name'}
        onInput={(event) => onInput({ ...value, name: event.currentTarget.value })}
      />
      <TextField
        label={said.topic}
        hint={said.topicHint}
        errors={faults['topic']}
        value={value.topic}
        maxLength={limits.topicLength}
        autocomplete="off"
        autofocus={first === 'topic'}
        onInput={(event) => onInput({ ...value, topic: event.currentTarget.value })}
      />
    </>
  );
}
