// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useEffect, useState } from 'react';
import type { AcquirePlan, AcquireStatus } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { useAcquire } from '../../stores/acquire.ts';
import { presets } from '../../stores/parameters.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice, Field, Select } from '../../ui/controls.tsx';
import { Panel } from '../../ui/panel.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { StackRow } from './stack-row.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** What is to be recorded; while it is, its notes and markers. */
export function PlanPanel({ status }: { readonly status: AcquireStatus }): ReactElement {
  return status.mode === 'recording' || status.mode === 'finishing' ? (
    <MarkerPanel status={status} />
  ) : (
    <FormPanel status={status} />
  );
}

const lengths = [
  ['10', '10 s'],
  ['60', '1 min'],
  ['300', '5 min'],
  ['600', '10 min'],
  ['1200', '20 min'],
  ['1800', '30 min'],
  ['3600', '1 h'],
  ['', 'Until stopped'],
] as const;

function FormPanel({ status }: { readonly status: AcquireStatus }): ReactElement {
  const core = useCore();
  const { plan, mode } = status;
  const roots = useQuery({ queryKey: ['roots'], queryFn: ({ signal }) => core.files.roots({}, { signal }) });
  const change = (part: Partial<AcquirePlan>): void =>
    void atRig('This recording', core.acquire.plan({ change: part }));
  const known = lengths.some(([value]) => value === String(plan.lengthS ?? ''));
  return (
    <Panel title="This recording" meta={mode === 'armed' ? 'waiting; stop to change it' : undefined} scroll>
      <div className={c('form')} id="acquire-form">
        <TextRow
          label="Animal"
          value={plan.animal}
          onDone={(animal) => change({ animal })}
          placeholder="needed: names the folder"
          id="acquire-animal"
        />
        <TextRow label="Experiment" value={plan.experiment} onDone={(experiment) => change({ experiment })} />
        <TextRow label="Experimenter" value={plan.researcher} onDone={(researcher) => change({ researcher })} />
        <div className={c('row')}>
          <span className={c('lab')}>Length</span>
          <span className={c('buttons')}>
            <Select
              label="Length"
              value={String(plan.lengthS ?? '')}
              options={[
                ...lengths.map(([value, label]) => ({ value: value as string, label: label as string })),
                ...(known ? [] : [{ value: String(plan.lengthS), label: `${String(plan.lengthS)} s` }]),
              ]}
              onChange={(value) =>
                change(
                  value === ''
                    ? { lengthS: null, segments: { ...plan.segments, count: 1 } }
                    : {
                        lengthS: Number(value),
                        segments: { ...plan.segments, everyS: Math.max(plan.segments.everyS, Number(value)) },
                      },
                )
              }
            />
            <Choice
              label="Start"
              value={plan.startBy}
              options={[
                { value: 'hand', label: 'By hand' },
                {
                  value: 'trigger',
                  label: 'By trigger',
                  title: 'The rising edge of the board’s trigger input starts, the falling one stops.',
                },
              ]}
              onChange={(startBy) => change({ startBy })}
            />
          </span>
        </div>
        <div className={c('row')}>
          <span className={c('lab')}>Repeat</span>
          {plan.lengthS === null ? (
            <span className={c('quiet')}>needs a length</span>
          ) : (
            <span className={c('buttons')}>
              <NumberField
                label="Number of recordings"
                value={plan.segments.count}
                least={1}
                onDone={(count) => change({ segments: { ...plan.segments, count: Math.round(count) } })}
              />
              <span className={c('quiet')}>times, one each</span>
              <NumberField
                label="Minutes from start to start"
                value={plan.segments.everyS / 60}
                least={0.1}
                onDone={(every) => change({ segments: { ...plan.segments, everyS: every * 60 } })}
              />
              <span className={c('quiet')}>min</span>
            </span>
          )}
        </div>
        <div className={c('row')}>
          <span className={c('lab')}>Film</span>
          <Choice
            label="Film"
            value={plan.compression}
            options={[
              { value: 'FFV1', label: 'FFV1', title: 'Without loss, about half the space' },
              { value: 'GREY', label: 'Raw', title: 'Without loss, needs no processor time' },
            ]}
            onChange={(compression) => change({ compression })}
          />
        </div>
        <div className={c('row')}>
          <span className={c('lab')}>Data folder</span>
          <span className={c('buttons')}>
            <Select
              label="Disk"
              value={plan.folder.root}
              options={(roots.data ?? [{ root: plan.folder.root, name: '–' }]).map(({ root, name }) => ({
                value: root,
                label: name,
              }))}
              onChange={(root) => change({ folder: { ...plan.folder, root } })}
            />
            <Text
              label="Folder"
              value={plan.folder.path}
              onDone={(path) => change({ folder: { ...plan.folder, path } })}
            />
          </span>
        </div>
        <div className={c('row')}>
          <span className={c('lab')}>Afterwards</span>
          <Select
            label="Afterwards"
            value={plan.processWith ?? ''}
            options={[
              { value: '', label: 'Show the report' },
              ...presets.map(({ name, label }) => ({ value: name, label: `Queue processing: ${label}` })),
            ]}
            onChange={(name) => change({ processWith: name === '' ? null : name })}
          />
        </div>
        <TextRow
          label="Markers 1–9"
          value={plan.markers.join(', ')}
          onDone={(text) =>
            change({
              markers: text
                .split(',')
                .map((name) => name.trim())
                .filter((name) => name !== '')
                .slice(0, 9),
            })
          }
        />
        <div className={c('row')}>
          <span className={c('lab')}>Goes to</span>
          <span className={c('path')}>{status.folderPreview}</span>
        </div>
        <StackRow status={status} />
        <RigRow status={status} />
        <RemoteRow />
      </div>
    </Panel>
  );
}

interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly onDone: (value: string) => void;
  readonly placeholder?: string;
  readonly id?: string;
}

/** Typed text goes to the plan when it is left, or by Enter. */
function Text({ label, value, onDone, placeholder, id }: TextProps): ReactElement {
  const [typed, setTyped] = useState<string | null>(null);
  const done = (): void => {
    if (typed !== null && typed.trim() !== value) onDone(typed.trim());
    setTyped(null);
  };
  return (
    <span className={c('grow')} onBlur={done}>
      <Field
        label={label}
        value={typed ?? value}
        onChange={setTyped}
        onEnter={done}
        onLeave={() => setTyped(null)}
        {...(placeholder === undefined ? {} : { placeholder })}
        {...(id === undefined ? {} : { id })}
      />
    </span>
  );
}

function TextRow(props: TextProps): ReactElement {
  return (
    <div className={c('row')}>
      <span className={c('lab')}>{props.label}</span>
      <Text {...props} />
    </div>
  );
}

function NumberField({
  label,
  value,
  least,
  onDone,
}: {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly onDone: (value: number) => void;
}): ReactElement {
  const [typed, setTyped] = useState<string | null>(null);
  const number = typed === null ? value : Number(typed);
  const isWrong = !Number.isFinite(number) || number < least;
  const done = (): void => {
    if (typed !== null && !isWrong && number !== value) onDone(number);
    setTyped(null);
  };
  return (
    <span className={c('numberField')} onBlur={done}>
      <Field
        label={label}
        value={typed ?? String(Math.round(value * 10) / 10)}
        number
        wrong={isWrong}
        onChange={setTyped}
        onEnter={done}
      />
    </span>
  );
}

/** Which rig is driven, its programs, and the way to keep it as a configuration. */
function RigRow({ status: { rig } }: { readonly status: AcquireStatus }): ReactElement {
  const core = useCore();
  const save = async (): Promise<void> => {
    const { name, text } = await core.acquire.rigText({});
    saveFile(`${name}.json`, text, 'application/json');
  };
  return (
    <>
      <div className={c('row')}>
        <span className={c('lab')}>Rig</span>
        <span className={c('buttons')}>
          <span className={c('grow')}>{rig?.id ?? 'one scope, no rig'}</span>
          <Button
            size="small"
            title="With the values that the scopes have now, in the form that the Miniscope DAQ software reads"
            onPress={() => void atRig('Rig', save())}
          >
            Save as configuration
          </Button>
        </span>
      </div>
      {(rig?.programs ?? []).map(({ when, file, allowed }) => (
        <div key={when} className={c('row')}>
          <span className={c('lab')}>{when === 'start' ? 'At the start' : 'At the end'}</span>
          <span className={c('path', !allowed && 'warn')}>
            {file}
            {allowed ? '' : ' (not on this machine’s list)'}
          </span>
        </div>
      ))}
    </>
  );
}

function RemoteRow(): ReactElement {
  const core = useCore();
  const [remote, setRemote] = useState<{ on: boolean; address: string | null; token: string | null } | null>(null);
  useEffect(() => {
    void atRig('Remote control', core.acquire.remote({}).then(setRemote));
  }, [core]);
  const isOn = remote?.on === true;
  return (
    <div className={c('row')}>
      <span className={c('lab')}>Remote control</span>
      <span className={c('remote')}>
        <Choice
          label="Remote control"
          value={isOn ? 'on' : 'off'}
          options={[
            { value: 'off', label: 'Off' },
            {
              value: 'on',
              label: 'On',
              title: 'Another program on this machine may start, stop and note with the token.',
            },
          ]}
          onChange={(value) =>
            void atRig('Remote control', core.acquire.remote({ on: value === 'on' }).then(setRemote))
          }
        />
        {isOn ? (
          <code>
            {remote.address} {remote.token}
          </code>
        ) : null}
      </span>
    </div>
  );
}

function MarkerPanel({ status }: { readonly status: AcquireStatus }): ReactElement {
  const core = useCore();
  const { recording, plan, mode } = status;
  const off = mode === 'finishing' ? 'The recording has ended.' : undefined;
  return (
    <Panel title="Notes and markers" meta={recording?.folder ?? ''} scroll>
      <div className={c('markers')}>
        {plan.markers.map((marker, n) => (
          <Button
            key={marker}
            size="big"
            off={off}
            onPress={() => void atRig('Marker', core.acquire.note({ text: marker }))}
          >
            <kbd aria-hidden="true">{n + 1}</kbd>
            {marker}
          </Button>
        ))}
        <Button size="big" off={off} keys="N" onPress={() => useAcquire.setState({ noteOpen: true })}>
          Note
        </Button>
      </div>
      <ol className={c('marks')} aria-label="Notes and changes">
        {(recording?.marks ?? []).toReversed().map((mark) => (
          <li key={`${String(mark.timeS)} ${mark.text}`} className={c(mark.kind === 'warning' && 'warn')}>
            <time>{clockOf(mark.timeS)}</time>
            <span className={c('quiet')}>{kinds[mark.kind]}</span>
            <span>{mark.text}</span>
          </li>
        ))}
        {(recording?.marks.length ?? 0) === 0 ? (
          <li className={c('quiet')}>Nothing noted yet. Keys 1 to 9 set a marker, N writes a note.</li>
        ) : null}
      </ol>
    </Panel>
  );
}

const kinds = { note: 'Note', setting: 'Setting', warning: 'Warning' } as const;

function clockOf(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60))}:${String(whole % 60).padStart(2, '0')}`;
}
