// SPDX-License-Identifier: MIT
import { type ReactElement, useState } from 'react';
import type { RigRemark, ScopeTypeInfo } from '../../../main/contract/index.ts';
import {
  changedPaths,
  devicesOf,
  folderPreview,
  type Json,
  jsonOf,
  renamed,
  type RigDevice,
  rigText,
  textOf,
  useRigEditor,
  valueAt,
  withValue,
} from '../../stores/rig-editor.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Choice, Field, Note, Select } from '../../ui/controls.tsx';
import { Part, Row } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);

interface FormProps {
  readonly text: string;
  readonly saved: string;
  readonly remarks: readonly RigRemark[];
  readonly scopeTypes: readonly ScopeTypeInfo[];
}

type Path = readonly string[];

/** What the form's fields read and write: the text itself. */
interface Pen {
  readonly json: Json | undefined;
  readonly at: (path: Path) => Json | undefined;
  readonly set: (path: Path, value: Json | undefined) => void;
  readonly changed: (path: Path) => boolean;
  readonly problem: (path: Path) => string | undefined;
}

function penOf({ text, saved, remarks }: FormProps): Pen {
  const json = jsonOf(text);
  const changed = new Set(changedPaths(jsonOf(saved), json));
  return {
    json,
    at: (path) => valueAt(json, path),
    set: (path, value) => useRigEditor.setState({ text: rigText(withValue(json, path, value)) }),
    changed: (path) => [...changed].some((each) => each === path.join('/') || each.startsWith(`${path.join('/')}/`)),
    problem: (path) =>
      remarks.find(({ severity, path: where }) => severity === 'problem' && where.join('/') === path.join('/'))
        ?.message,
  };
}

/** The parts of a rig that most people change; what it does not show stays as it is. */
export function RigForm(props: FormProps): ReactElement {
  const pen = penOf(props);
  const [now] = useState(() => new Date());
  if (pen.json === undefined)
    return <Note kind="problem">The text is not JSON: mend it at the right, and the form is back.</Note>;
  const scopes = devicesOf(pen.json, 'miniscopes');
  const cameras = devicesOf(pen.json, 'cameras');
  return (
    <>
      {scopes.map((device) => (
        <ScopePart key={device.path.join('/')} device={device} pen={pen} types={props.scopeTypes} />
      ))}
      {scopes.length === 0 ? <Note kind="warning">This rig has no Miniscope.</Note> : null}
      {cameras.map((device) => (
        <CameraPart key={device.path.join('/')} device={device} pen={pen} />
      ))}
      <div className={c('acts')}>
        <Button
          size="small"
          onPress={() => addDevice(pen, 'miniscopes', 'Miniscope', { deviceType: 'Miniscope_V4_BNO' })}
        >
          Add a Miniscope
        </Button>
        <Button
          size="small"
          onPress={() => addDevice(pen, 'cameras', 'Camera', { deviceType: 'WebCam-1280x720', frameRate: 30 })}
        >
          Add a camera
        </Button>
      </div>
      <Part title="Session folder">
        <TextRow pen={pen} label="Researcher" path={['researcherName']} />
        <TextRow pen={pen} label="Experiment" path={['experimentName']} />
        <TextRow
          pen={pen}
          label="Animal"
          path={['animalName']}
          help="Usually typed in Acquire, before each recording"
        />
        <StructureRow pen={pen} />
        <div className={c('code')}>{folderPreview(pen.json, now)}/</div>
        <NumberRow
          pen={pen}
          label="Length"
          path={[
            valueAt(pen.json, ['recordLengthinSeconds']) === undefined
              ? 'recordLengthInSeconds'
              : 'recordLengthinSeconds',
          ]}
          unit="s"
          help="0: until it is stopped"
        />
      </Part>
      <Part title="Commutator">
        <FlagRow pen={pen} label="Follow the head" path={['commutator', 'enabled']} help="Turns after the head" />
        {pen.at(['commutator', 'enabled']) === true ? (
          <TextRow
            pen={pen}
            label="Port"
            path={['commutator', 'port']}
            help="As the system names it: COM4, /dev/ttyACM0"
          />
        ) : null}
      </Part>
      <Part title="Practice">
        <FlagRow
          pen={pen}
          label="Simulated scope"
          path={['calyx', 'simulator']}
          help="No board is needed; everything else works as with one"
        />
      </Part>
    </>
  );
}

function addDevice(pen: Pen, kind: 'miniscopes' | 'cameras', name: string, value: Json): void {
  const taken = new Set(
    [...devicesOf(pen.json, 'miniscopes'), ...devicesOf(pen.json, 'cameras')].map((device) =>
      device.name.toLowerCase(),
    ),
  );
  let [free, n] = [name, 2];
  while (taken.has(free.toLowerCase())) {
    free = `${name} ${String(n)}`;
    n += 1;
  }
  const list = pen.at(['devices', kind]);
  if (Array.isArray(list))
    pen.set(['devices', kind], [...(list as readonly Json[]), withValue(value, ['deviceName'], free)]);
  else pen.set(['devices', kind, free], value);
}

interface DeviceProps {
  readonly device: RigDevice;
  readonly pen: Pen;
}

function NameRow({ device, pen }: DeviceProps): ReactElement {
  const [typed, setTyped] = useState(device.name);
  const take = (): void => {
    if (typed.trim() !== '' && typed !== device.name)
      useRigEditor.setState({ text: rigText(renamed(pen.json, device.path, typed.trim())) });
  };
  const problem = pen.problem(device.path) ?? pen.problem([...device.path, 'deviceName']);
  return (
    <Row label="Name" help="Folder of this device in every session" problem={problem}>
      <span className={c('wideField')}>
        <Field
          label={`Name of ${device.name}`}
          value={typed}
          onChange={setTyped}
          onEnter={take}
          wrong={problem !== undefined}
        />
      </span>
      {typed === device.name ? (
        <Button kind="bare" size="small" onPress={() => pen.set(device.path, undefined)}>
          Remove
        </Button>
      ) : (
        <Button size="small" onPress={take}>
          Rename
        </Button>
      )}
    </Row>
  );
}

const controlLabels: Readonly<Record<string, string>> = {
  led0: 'LED at start',
  led1: 'LED 2 at start',
  gain: 'Gain at start',
  ewl: 'Focus at start',
  frameRate: 'Frame rate',
};

function ScopePart({ device, pen, types }: DeviceProps & { readonly types: readonly ScopeTypeInfo[] }): ReactElement {
  const type = types.find((each) => each.type === device.value['deviceType']);
  const at = (key: string): Path => [...device.path, key];
  const text = (key: string): string => textOf(device.value[key]);
  return (
    <Part title={device.name === '' ? 'Miniscope' : device.name}>
      <NameRow device={device} pen={pen} />
      <Row
        label="Scope"
        changed={pen.changed(at('deviceType'))}
        problem={pen.problem(at('deviceType'))}
        help={type === undefined ? undefined : `${String(type.width)} × ${String(type.height)} px`}
      >
        <Select
          label={`Type of ${device.name}`}
          value={text('deviceType')}
          onChange={(value) => pen.set(at('deviceType'), value)}
          options={[
            ...(type === undefined ? [{ value: text('deviceType'), label: text('deviceType') }] : []),
            ...types.map((each) => ({ value: each.type, label: each.label })),
          ]}
        />
      </Row>
      <NumberRow pen={pen} label="Board" path={at('deviceID')} help="Number of the camera, as the system counts" />
      {Object.entries(type?.choices ?? {}).map(([name, options]) => (
        <Row
          key={name}
          label={controlLabels[name] ?? name}
          changed={pen.changed(at(name))}
          problem={pen.problem(at(name))}
        >
          {options.length <= 4 ? (
            <Choice
              label={`${controlLabels[name] ?? name} of ${device.name}`}
              value={text(name)}
              onChange={(value) => pen.set(at(name), value)}
              options={options.map((option) => ({ value: option, label: option }))}
            />
          ) : (
            <Select
              label={`${controlLabels[name] ?? name} of ${device.name}`}
              value={text(name)}
              onChange={(value) => pen.set(at(name), value)}
              options={[
                ...(options.includes(text(name)) ? [] : [{ value: text(name), label: text(name) || '–' }]),
                ...options.map((option) => ({ value: option, label: option })),
              ]}
            />
          )}
        </Row>
      ))}
      {Object.entries(type?.ranges ?? {}).map(([name, range]) => (
        <NumberRow
          key={name}
          pen={pen}
          label={controlLabels[name] ?? name}
          path={at(name)}
          unit={name.startsWith('led') && range.max === 100 ? '%' : ''}
          range={range}
        />
      ))}
      <Row
        label="Compress"
        changed={pen.changed(at('compression'))}
        problem={pen.problem(at('compression'))}
        help="Both lose nothing"
      >
        <Choice
          label={`Compression of ${device.name}`}
          value={text('compression').toUpperCase() === 'GREY' ? 'GREY' : 'FFV1'}
          onChange={(value) => pen.set(at('compression'), value)}
          options={[
            { value: 'FFV1', label: 'FFV1' },
            { value: 'GREY', label: 'GREY, raw' },
          ]}
        />
      </Row>
      <NumberRow pen={pen} label="Frames in a file" path={at('framesPerFile')} />
    </Part>
  );
}

function CameraPart({ device, pen }: DeviceProps): ReactElement {
  const at = (key: string): Path => [...device.path, key];
  return (
    <Part title={device.name === '' ? 'Behaviour camera' : device.name}>
      <NameRow device={device} pen={pen} />
      <TextRow pen={pen} label="Camera" path={at('deviceType')} help="WebCam and its size, as in WebCam-1280x720" />
      <NumberRow pen={pen} label="Board" path={at('deviceID')} help="Number of the camera, as the system counts" />
      <NumberRow pen={pen} label="Frame rate" path={at('frameRate')} unit="fps" />
    </Part>
  );
}

interface RowProps {
  readonly pen: Pen;
  readonly label: string;
  readonly path: Path;
  readonly help?: string;
}

function TextRow({ pen, label, path, help }: RowProps): ReactElement {
  const value = pen.at(path);
  return (
    <Row label={label} help={help} changed={pen.changed(path)} problem={pen.problem(path)}>
      <span className={c('wideField')}>
        <Field
          label={label}
          value={textOf(value)}
          onChange={(next) => pen.set(path, next)}
          changed={pen.changed(path)}
          wrong={pen.problem(path) !== undefined}
        />
      </span>
    </Row>
  );
}

interface NumberProps extends RowProps {
  readonly unit?: string;
  readonly range?: { readonly min: number; readonly max: number; readonly step: number };
}

function NumberRow({ pen, label, path, help, unit = '', range }: NumberProps): ReactElement {
  const value = pen.at(path);
  const number = typeof value === 'number' ? value : undefined;
  const outside =
    range !== undefined && number !== undefined && (number < range.min || number > range.max)
      ? `Must lie between ${String(range.min)} and ${String(range.max)}.`
      : undefined;
  const problem = pen.problem(path) ?? outside;
  const take = (text: string): void => {
    const next = Number(text);
    pen.set(path, text.trim() === '' ? undefined : Number.isFinite(next) && !/[.,]$/.test(text) ? next : text);
  };
  return (
    <Row label={label} help={help} changed={pen.changed(path)} problem={problem}>
      {range === undefined ? null : (
        <input
          type="range"
          className={c('slider')}
          aria-label={`${label}, slider`}
          min={range.min}
          max={range.max}
          step={range.step}
          value={number ?? range.min}
          onChange={(event) => pen.set(path, Number(event.target.value))}
        />
      )}
      <span className={c('numberField')}>
        <Field
          label={label}
          number
          value={textOf(value)}
          onChange={take}
          changed={pen.changed(path)}
          wrong={problem !== undefined}
        />
      </span>
      {unit === '' ? null : <span className={c('dim')}>{unit}</span>}
    </Row>
  );
}

function FlagRow({ pen, label, path, help }: RowProps): ReactElement {
  return (
    <Row label={label} help={help} changed={pen.changed(path)}>
      <Choice
        label={label}
        value={pen.at(path) === true ? 'on' : 'off'}
        onChange={(value) => pen.set(path, value === 'on')}
        options={[
          { value: 'on', label: 'On' },
          { value: 'off', label: 'Off' },
        ]}
      />
    </Row>
  );
}

function StructureRow({ pen }: { readonly pen: Pen }): ReactElement {
  const path = ['directoryStructure'];
  const value = pen.at(path);
  const parts = Array.isArray(value) ? (value as readonly Json[]).map(String) : [];
  // As it is typed: a slash at the end is the beginning of the next folder.
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <Row
      label="Folders"
      changed={pen.changed(path)}
      problem={pen.problem(path)}
      help="Known: researcherName, experimentName, animalName, date, time, and other texts of the rig"
    >
      <span className={c('wideField')}>
        <Field
          label="Folders"
          value={typed ?? parts.join(' / ')}
          onChange={(text) => {
            setTyped(text);
            pen.set(
              path,
              text
                .split('/')
                .map((part) => part.trim())
                .filter((part) => part !== ''),
            );
          }}
          changed={pen.changed(path)}
        />
      </span>
    </Row>
  );
}
