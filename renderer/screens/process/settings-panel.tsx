// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleHelp, RotateCcw, Save } from 'lucide-react';
import { type ReactElement, Suspense, useMemo, useState } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useTryOutData } from '../../client/try-out.ts';
import { drawHistogram, histogram } from '../../plots/bars.ts';
import type { Figure } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import { report } from '../../stores/messages.ts';
import {
  choosePreset,
  type FormField,
  parameterSpecs,
  presetOf,
  presets,
  requestValues,
  shownUnit,
  shownValue,
  type Typed,
} from '../../stores/parameters.ts';
import { typeParameter, useProcess } from '../../stores/process.ts';
import { useTryOut } from '../../stores/try-out.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Select } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { decimal, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { later } from '../../ui/later.tsx';
import { styles } from './styles.ts';
import { stageTitles } from './stage-names.ts';
import { candidatesOf, seedLimits } from './try-out-drawing.ts';

const c = classes(styles);

/** Loaded when somebody has marked cells. */
const SeedsDialog = later(async () => (await import('./seeds-dialog.tsx')).SeedsDialog);

/** The settings of a run: what they are, where their defaults come from, what has been changed. A step chosen above narrows them to its own. */
export function SettingsPanel({ fields }: { readonly fields: readonly FormField[] }): ReactElement {
  const { advanced, stage } = useProcess();
  const changed = fields.filter((field) => field.changed).length;
  const ofStage = stage === null ? fields : fields.filter((field) => field.spec.stage === stage);
  const shown = ofStage.filter((field) => advanced || !field.spec.advanced || field.changed || stage !== null);
  const hidden = ofStage.length - shown.length;
  return (
    <Panel
      title={stage === null ? 'Settings' : stageTitles[stage]}
      meta={changed === 0 ? 'all at their defaults' : `${plural(changed, 'setting')} changed`}
      scroll
      end={
        <>
          {changed === 0 ? null : (
            <Button kind="bare" size="small" onPress={() => useProcess.setState({ typed: {}, preset: null })}>
              Reset {plural(changed, 'setting')}
            </Button>
          )}
          {stage === null ? (
            <Button
              kind="bare"
              size="small"
              pressed={advanced}
              title={hidden === 0 ? 'Hide settings that are seldom changed' : `Show ${plural(hidden, 'more setting')}`}
              onPress={() => useProcess.setState({ advanced: !advanced })}
            >
              Advanced
            </Button>
          ) : (
            <Button kind="bare" size="small" onPress={() => useProcess.setState({ stage: null })}>
              All settings
            </Button>
          )}
        </>
      }
    >
      {stage === null ? <PresetRow fields={fields} /> : null}
      {shown.length === 0 ? <p className={c('dim noSettings')}>This step has no settings.</p> : null}
      {shown.map((field) => (
        <ParameterRow key={field.spec.name} field={field} fields={fields} />
      ))}
    </Panel>
  );
}

/** Values of a set as they are typed; what is no parameter of the form is left out. */
export function typedOf(parameters: Readonly<Record<string, unknown>>): Typed {
  const typed: Record<string, string> = {};
  for (const spec of parameterSpecs) {
    const value = parameters[spec.name];
    if (value === undefined || spec.part !== 'parameters') continue;
    if (value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') {
      if (value !== spec.default) typed[spec.name] = shownValue(spec, value);
    }
  }
  return typed;
}

/** Named sets of settings: what is suggested as a cell, and the lab's own presets. */
function PresetRow({ fields }: { readonly fields: readonly FormField[] }): ReactElement {
  const core = useCore();
  const chosen = presetOf(fields);
  const [saving, setSaving] = useState(false);
  const own = useQuery({
    queryKey: ['parameter-sets'],
    queryFn: ({ signal }) => core.processing.parameterSets({}, { signal }),
  });
  const named = (own.data ?? []).filter((set) => set.method === 'calyx' && set.description.trim() !== '');
  const preset = useProcess((state) => state.preset);
  const load = async (uuid: string): Promise<void> => {
    try {
      const { set, parameters } = await core.processing.parameterSet({ name: uuid });
      useProcess.setState({ typed: typedOf(parameters), preset: set.description });
    } catch (error) {
      report('error', 'Process', AppError.from(error).message);
    }
  };
  return (
    <>
      <div className={c('presets')}>
        <span>
          Preset
          <small>{preset === null ? 'yours, kept in the library' : `${preset} was chosen`}</small>
        </span>
        <div>
          {named.length === 0 ? (
            <span className={c('dim')}>none saved yet</span>
          ) : (
            <Select
              label="Preset"
              value=""
              options={[
                { value: '', label: 'Choose…' },
                ...named.map((set) => ({ value: set.uuid, label: set.description })),
              ]}
              onChange={(uuid) => {
                if (uuid !== '') void load(uuid);
              }}
            />
          )}
          <Button
            kind="bare"
            size="small"
            square
            label="Save as a preset"
            title="Save these settings as a preset"
            onPress={() => setSaving(true)}
          >
            <Icon of={Save} size={12} />
          </Button>
        </div>
      </div>
      <div className={c('presets')}>
        <span>
          Suggestions
          <small>{chosen?.help ?? 'Your own limits; see Evaluate.'}</small>
        </span>
        {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a fieldset brings a legend and a border the design has not */}
        <div role="group" aria-label="Suggestions">
          {presets.map((each) => (
            <Button
              key={each.name}
              kind="bare"
              size="small"
              pressed={each === chosen}
              onPress={() => useProcess.setState((state) => ({ typed: choosePreset(state.typed, each) }))}
            >
              {each.label}
            </Button>
          ))}
        </div>
      </div>
      {saving ? <SavePreset fields={fields} onClose={() => setSaving(false)} /> : null}
    </>
  );
}

function SavePreset({
  fields,
  onClose,
}: {
  readonly fields: readonly FormField[];
  readonly onClose: () => void;
}): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const wrong = fields.find((field) => field.problem !== undefined);
  const save = useMutation({
    mutationFn: async () => {
      const { parameters } = requestValues(fields);
      // Whole, so that a later default does not change what the name means.
      const whole = Object.fromEntries(
        fields.filter((field) => field.spec.part === 'parameters').map((field) => [field.spec.name, field.value]),
      );
      return await core.processing.addParameterSet({
        method: 'calyx',
        description: name.trim(),
        parameters: { ...whole, ...parameters },
      });
    },
    onSuccess: ({ set, added }) => {
      void queries.invalidateQueries({ queryKey: ['parameter-sets'] });
      if (added) report('info', 'Process', `The preset ${name.trim()} is kept in the library.`);
      else
        report(
          'warning',
          'Process',
          `These settings are kept already, as “${set.description === '' ? `set ${String(set.idx)}` : set.description}”.`,
        );
      useProcess.setState({ preset: set.description === '' ? null : set.description });
      onClose();
    },
  });
  const off =
    name.trim() === ''
      ? 'Give it a name.'
      : wrong === undefined
        ? undefined
        : `${wrong.spec.label}: ${wrong.problem ?? ''}`;
  return (
    <Dialog
      title="Save as a preset"
      width={420}
      onClose={onClose}
      foot={
        <Button kind="primary" off={off} onPress={() => save.mutate()}>
          Save the preset
        </Button>
      }
    >
      <div className={c('dialogBody')}>
        <label htmlFor="preset-name">Name</label>
        <Field
          id="preset-name"
          label="Name of the preset"
          value={name}
          takesFocus
          onChange={setName}
          onEnter={() => (off === undefined ? save.mutate() : undefined)}
        />
        {save.isError ? <p className={c('problem')}>{AppError.from(save.error).message}</p> : null}
      </div>
    </Dialog>
  );
}

/** What stands in an empty field that is not chosen from the data. */
const placeholders: Readonly<Record<string, string>> = {
  lastFrame: 'to the end',
  cropHeight: 'to the bottom',
  cropWidth: 'to the edge',
  givenSeeds: 'none',
};

interface RowProps {
  readonly field: FormField;
  readonly fields: readonly FormField[];
}

function ParameterRow({ field, fields }: RowProps): ReactElement {
  const { spec, text, changed, problem } = field;
  const [helping, setHelping] = useState(false);
  const [seeding, setSeeding] = useState(false);
  const id = `parameter-${spec.name}`;
  const unit = shownUnit(spec);
  const usual =
    spec.default === null
      ? spec.type === 'string'
        ? 'none'
        : 'automatic'
      : `${shownValue(spec, spec.default)} ${unit}`.trim();
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
          number={spec.type !== 'string'}
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
      <Button
        kind="bare"
        size="small"
        square
        label={`What ${spec.label} does`}
        title={spec.help}
        pressed={helping}
        onPress={() => setHelping(!helping)}
      >
        <Icon of={CircleHelp} size={12} />
      </Button>
      {helping ? (
        <p>
          {spec.help} On the command line: {spec.cliFlag}.
        </p>
      ) : null}
      {spec.name === 'givenSeeds' ? (
        <span className={c('seedFile')}>
          <Button size="small" label="Cells marked beforehand, from a file" onPress={() => setSeeding(true)}>
            From a file
          </Button>
          {text === '' ? 'Outlines of ImageJ, or a table with x and y.' : plural(text.split(';').length, 'place')}
        </span>
      ) : null}
      {seeding ? (
        <Suspense fallback={null}>
          <SeedsDialog onClose={() => setSeeding(false)} />
        </Suspense>
      ) : null}
      {spec.name === 'minPnr' || spec.name === 'minCorrelation' ? (
        <SeedHistogram fields={fields} what={spec.name} />
      ) : null}
    </div>
  );
}

/** What a limit of the seeds cuts, on the piece that was tried out; a click on it sets the limit. */
function SeedHistogram({
  fields,
  what,
}: {
  readonly fields: readonly FormField[];
  readonly what: 'minPnr' | 'minCorrelation';
}): ReactElement | null {
  const a = useTryOut((state) => state.a);
  const { data } = useTryOutData(a);
  const list = useMemo(() => (a === null || data === undefined ? [] : candidatesOf(data, a)), [a, data]);
  const limits = a === null ? null : seedLimits(fields, a);
  const limit = limits === null ? undefined : what === 'minPnr' ? limits.pnr : limits.correlation;
  const bars = useMemo(
    () =>
      histogram(
        list.map((seed) => (what === 'minPnr' ? seed.pnr : seed.correlation)),
        40,
        what === 'minCorrelation' ? [0, 1] : undefined,
      ),
    [list, what],
  );
  const figure = useMemo<Figure>(
    () => (pen, look) => {
      drawHistogram(
        pen,
        look,
        { left: 2, top: 2, width: pen.width - 4, height: pen.height - 20 },
        { histogram: bars, unit: '', limit, numbers: false },
      );
    },
    [bars, limit],
  );
  if (list.length === 0) return null;
  return (
    <div className={c('seedBars')}>
      <Plot
        figure={figure}
        label={`${plural(list.length, 'possible seed')} of the tried piece; the limit is ${decimal(limit, 2)}`}
        onPress={([x], { width }) => {
          const value = bars.from + Math.max(0, Math.min(1, (x - 2) / (width - 4))) * (bars.to - bars.from);
          typeParameter(what, String(Number(value.toPrecision(2))));
          useTryOut.setState({ mode: 'seeds' });
        }}
      />
    </div>
  );
}
