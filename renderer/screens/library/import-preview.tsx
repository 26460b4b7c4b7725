// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import type { DevicePreview, ImportPreview } from '../../../main/contract/index.ts';
import { classes } from '../../ui/classes.ts';
import { Field, Note } from '../../ui/controls.tsx';
import { bytes, count, dateTime, decimal, duration, plural } from '../../ui/format.ts';
import { styles } from './styles.ts';

const c = classes(styles);

/** Formats in words; one that is not listed is shown as it is named. */
const formatNames: Readonly<Record<string, string>> = {
  'miniscope-daq-v4': 'Miniscope DAQ session, V4',
  film: 'Film without a session folder',
};

interface PreviewProps {
  readonly preview: ImportPreview;
  readonly fps: string;
  readonly onFps: (value: string) => void;
  readonly subject: string;
  readonly onSubject: (value: string) => void;
}

/** What was recognised in a folder, what was not, and the two things only a person may know. */
export function ImportPreviewPane({ preview, fps, onFps, subject, onSubject }: PreviewProps): ReactElement {
  const rateUnknown = preview.devices.some((device) => device.kind === 'miniscope' && device.fps === null);
  const wrong = fps.trim() !== '' && !(Number(fps) > 0);
  return (
    <>
      {preview.findings.map((finding) => (
        <Note key={`${finding.code} ${finding.where ?? ''} ${finding.message}`} kind={finding.severity}>
          {finding.message}
          {finding.where === undefined ? null : <span className={c('dim')}> {finding.where}</span>}
        </Note>
      ))}
      <div className={c('pad')}>
        <dl className={c('facts2')}>
          <dt>Recognised as</dt>
          <dd>{formatNames[preview.format] ?? preview.format}</dd>
          <dt>Session</dt>
          <dd>{preview.name}</dd>
          <dt>Recorded</dt>
          <dd>{dateTime(preview.startedAt, preview.tzOffsetMin)}</dd>
        </dl>
        <div className={c('ask')}>
          <label htmlFor="import-animal">
            Animal
            <Field
              id="import-animal"
              label="Animal"
              value={subject}
              onChange={onSubject}
              placeholder={preview.subject ?? 'not named in the recording'}
            />
          </label>
          {rateUnknown || fps !== '' ? (
            <label htmlFor="import-fps">
              Frames per second
              <Field
                id="import-fps"
                label="Frames per second"
                number
                value={fps}
                onChange={onFps}
                wrong={wrong}
                placeholder="not in the film"
              />
            </label>
          ) : null}
        </div>
        {preview.devices.map((device) => (
          <Device key={device.name} device={device} />
        ))}
      </div>
    </>
  );
}

function Device({ device }: { readonly device: DevicePreview }): ReactElement {
  const differs = device.csvRows !== undefined && device.csvRows !== device.frames;
  return (
    <div className={c('device')}>
      <h4>
        {device.name} <span className={c('dim')}>{device.deviceType ?? device.kind}</span>
      </h4>
      <dl className={c('facts2')}>
        <dt>Films</dt>
        <dd>
          {plural(device.films, 'film')}, {bytes(device.bytes)}, {device.codec}
        </dd>
        <dt>Frames</dt>
        <dd>
          {count(device.frames)}
          {differs ? <span className={c('warn')}>, {count(device.csvRows)} time stamps</span> : null}
        </dd>
        <dt>Picture</dt>
        <dd>
          {device.width} × {device.height} px
        </dd>
        <dt>Rate, length</dt>
        <dd>
          {decimal(device.fps, 2)} fps, {duration(device.durationS)}
        </dd>
      </dl>
    </div>
  );
}
