// SPDX-License-Identifier: MIT
import { RotateCcw } from 'lucide-react';
import type { ReactElement } from 'react';
import { choosePreset, type FormField, presetOf, presets, shownUnit, shownValue } from '../../stores/parameters.ts';
import { typeParameter, useProcess } from '../../stores/process.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import styles from './process.module.css';

const c = classes(styles);

/** The settings of a run: what they are, where their defaults come from, what has been changed. */
export function SettingsPanel({ fields }: { readonly fields: readonly FormField[] }): ReactElement {
  const advanced = useProcess((state) => state.advanced);
  const changed = fields.filter((field) => field.changed).length;
  const shown = fields.filter((field) => !field.spec.advanced);
  const more = fields.filter((field) => field.spec.advanced);
  const hiddenChanged = advanced ? 0 : more.filter((field) => field.changed).length;
  return (
    <Panel
      title="Settings"
      meta={changed === 0 ? 'all at their defaults' : `${plural(changed, 'setting')} changed`}
      scroll
      end={
        <>
          {changed === 0 ? null : (
            <Button kind="bare" size="small" onPress={() => useProcess.setState({ typed: {} })}>
              Reset {plural(changed, 'setting')}
            </Button>
          )}
          <Button
            kind="bare"
            size="small"
            pressed={advanced}
            onPress={() => useProcess.setState({ advanced: !advanced })}
          >
            Advanced{hiddenChanged === 0 ? '' : `, ${String(hiddenChanged)} changed`}
          </Button>
        </>
      }
    >
      <PresetRow fields={fields} />
      {shown.map((field) => (
        <ParameterRow key={field.spec.name} field={field} />
      ))}
      {advanced ? more.map((field) => <ParameterRow key={field.spec.name} field={field} />) : null}
    </Panel>
  );
}

/** What is suggested as a cell, chosen by a word instead of by numbers. */
function PresetRow({ fields }: { readonly fields: readonly FormField[] }): ReactElement {
  const chosen = presetOf(fields);
  return (
    <div className={c('presets')}>
      <span>
        Suggestions
        <small>{chosen?.help ?? 'Your own limits; see Advanced.'}</small>
      </span>
      {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a fieldset brings a legend and a border the design has not */}
      <div role="group" aria-label="Suggestions">
        {presets.map((preset) => (
          <Button
            key={preset.name}
            kind="bare"
            size="small"
            pressed={preset === chosen}
            onPress={() => useProcess.setState((state) => ({ typed: choosePreset(state.typed, preset) }))}
          >
            {preset.label}
          </Button>
        ))}
      </div>
    </div>
  );
}

/** What stands in an empty field that is not chosen from the data. */
const placeholders: Readonly<Record<string, string>> = {
  lastFrame: 'to the end',
  cropHeight: 'to the bottom',
  cropWidth: 'to the edge',
};

function ParameterRow({ field }: { readonly field: FormField }): ReactElement {
  const { spec, text, changed, problem } = field;
  const id = `parameter-${spec.name}`;
  const unit = shownUnit(spec);
  const usual = spec.default === null ? 'automatic' : `${shownValue(spec, spec.default)} ${unit}`.trim();
  return (
    <div className={c('param')}>
      <label htmlFor={id}>
        {spec.label}
        {problem === undefined ? (
          <small id={`${id}-why`}>{changed ? `default: ${usual}` : spec.why}</small>
        ) : (
          <small id={`${id}-why`} className={c('problem')}>
            {problem}
          </small>
        )}
      </label>
      {spec.type === 'boolean' ? (
        <Button
          kind="bare"
          size="small"
          pressed={text === 'yes'}
          label={spec.label}
          onPress={() => typeParameter(spec.name, text === 'yes' ? 'no' : 'yes')}
        >
          {text}
        </Button>
      ) : (
        <Field
          id={id}
          label={spec.label}
          number
          value={text}
          changed={changed}
          wrong={problem !== undefined}
          placeholder={spec.nullable ? (placeholders[spec.name] ?? 'automatic') : ''}
          describedBy={`${id}-why`}
          onChange={(value) => typeParameter(spec.name, value)}
        />
      )}
      <span className={c('unit')}>{unit}</span>
      {changed ? (
        <Button
          kind="bare"
          size="small"
          square
          label={`Reset ${spec.label}`}
          title={`Back to ${usual}`}
          onPress={() => typeParameter(spec.name, undefined)}
        >
          <Icon of={RotateCcw} size={12} />
        </Button>
      ) : (
        <span />
      )}
      <p>{spec.help}</p>
    </div>
  );
}
