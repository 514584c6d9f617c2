/** Muting and banning: both for a time that is chosen, a ban perhaps for good. */
import { useState } from 'preact/hooks';
import { limits } from '../../../protocol/limits.ts';
import { SelectField, TextField } from '../../common/components/field.tsx';
import { texts } from '../../common/texts.ts';
import { fieldFault } from '../faults.ts';
import { minutesOf } from '../minutes.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useServices } from '../services.ts';
import type { UserActProps } from './user-acts.tsx';

const said = texts.admin.user;
const presets = ['10', '60', '1440', '10080'] as const;

/** `forever`: a choice beside the numbers of minutes. */
type Choice = (typeof presets)[number] | 'custom' | 'forever';
type For = { choice: Choice; custom: string };

/** Undefined: for good. */
function chosenMinutes({ choice, custom }: For): number | undefined {
  if (choice === 'forever') return undefined;
  const minutes = minutesOf(choice === 'custom' ? custom : choice);
  if (minutes === undefined) throw fieldFault('minutes', said.minutesWrong);
  return minutes;
}

type ForFieldsProps = {
  label: string;
  value: For;
  onChange: (value: For) => void;
  errors: readonly string[] | undefined;
  canBeForever?: boolean;
};

function ForFields({ label, value, onChange, errors, canBeForever }: ForFieldsProps) {
  const isCustom = value.choice === 'custom';
  return (
    <>
      <SelectField
        label={label}
        value={value.choice}
        autofocus
        errors={isCustom ? undefined : errors}
        onChange={(event) => onChange({ ...value, choice: event.currentTarget.value as Choice })}
      >
        {canBeForever && <option value="forever">{said.forGood}</option>}
        {presets.map((preset) => (
          <option key={preset} value={preset}>
            {said.presets[preset]}
          </option>
        ))}
        <option value="custom">{said.custom}</option>
      </SelectField>
      {isCustom && (
        <TextField
          label={said.minutes}
          type="number"
          min={1}
          step={1}
          inputMode="numeric"
          errors={errors}
          value={value.custom}
          onInput={(event) => onChange({ ...value, custom: event.currentTarget.value })}
        />
      )}
    </>
  );
}

export function MuteDialog({ user, onChanged, onClose }: UserActProps) {
  const { api } = useServices();
  const [time, setTime] = useState<For>({ choice: '10', custom: '' });
  const name = user.username;
  return (
    <ActDialog
      title={said.muteTitle(name)}
      doLabel={said.mute}
      fields={['minutes']}
      onClose={onClose}
      act={async () => {
        onChanged(await api.mute(name, chosenMinutes(time) ?? 1));
        return said.muted(name);
      }}
    >
      {(faults) => (
        <>
          <p>{said.muteSays(name)}</p>
          <ForFields label={said.muteFor} value={time} onChange={setTime} errors={faults['minutes']} />
        </>
      )}
    </ActDialog>
  );
}

export function BanDialog({ user, onChanged, onClose }: UserActProps) {
  const { api } = useServices();
  const [time, setTime] = useState<For>({ choice: '1440', custom: '' });
  const [reason, setReason] = useState('');
  const name = user.username;
  return (
    <ActDialog
      title={said.banTitle(name)}
      doLabel={said.ban}
      isDanger
      fields={['minutes', 'reason']}
      onClose={onClose}
      act={async () => {
        const minutes = chosenMinutes(time);
        onChanged(await api.ban(name, { reason: reason.trim(), ...(minutes !== undefined && { minutes }) }));
        return said.banned(name);
      }}
    >
      {(faults) => (
        <>
          <p>{said.banSays(name)}</p>
          <ForFields label={said.banFor} value={time} onChange={setTime} errors={faults['minutes']} canBeForever />
          <TextField
            label={said.reason}
            hint={said.reasonHint}
            errors={faults['reason']}
            value={reason}
            autocomplete="off"
            maxLength={limits.banReasonLength}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </>
      )}
    </ActDialog>
  );
}
