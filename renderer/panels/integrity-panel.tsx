// SPDX-License-Identifier: MIT
import type { PointerEvent, ReactElement } from 'react';
import type { RecordingIntegrity } from '../../main/contract/index.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { useIntegrity } from '../client/recorded.ts';
import { moveCursor, useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import { useInFront } from '../ui/dock/slots.ts';
import { clock, count, decimal, duration, plural, unknown } from '../ui/format.ts';
import { Failed, Loading, Panel } from '../ui/panel.tsx';
import styles from './recorded.module.css';

const c = classes(styles);

/** What the recordings of the run lack, and where, under the one cursor. */
export function IntegrityPanel({ opening }: { readonly opening: ReviewOpening }): ReactElement {
  const integrity = useIntegrity(opening.run.uuid, useInFront());
  return (
    <Panel title="Integrity" scope="integrity" scroll>
      {integrity.isError ? (
        <Failed
          title="The recordings cannot be looked at"
          error={integrity.error}
          onRetry={() => void integrity.refetch()}
        />
      ) : integrity.data === undefined ? (
        <Loading title="Reading the report" step={1} steps={1} detail="what was lost, and when" />
      ) : (
        integrity.data.map((recording, n) => (
          // A run may hold the same device twice: only the order tells the recordings apart, and it never changes.
          // oxlint-disable-next-line react/no-array-index-key
          <Recording key={n} recording={recording} opening={opening} />
        ))
      )}
    </Panel>
  );
}

/** What is missing, in one sentence: nothing is said to be whole when a part of it is unknown. */
export function verdictOf(recording: RecordingIntegrity): string {
  const { source, saved, expected, missing, knownMissing, failure, stopped, blackFrames } = recording;
  if (source === 'none' || saved === null) return 'Nothing is known of what is missing.';
  const ended = failure ?? stopped;
  const black =
    blackFrames === null || blackFrames === 0 ? '' : ` ${plural(blackFrames, 'frame is', 'frames are')} black.`;
  const end = ended === null ? '' : ` ${ended}`;
  if (missing === 0) return `All ${count(saved)} frames are there.${black}${end}`;
  if (missing !== null)
    return `${count(missing)} of ${count(expected ?? saved + missing)} frames ${missing === 1 ? 'is' : 'are'} missing.${black}${end}`;
  const known = knownMissing === null || knownMissing === 0 ? '' : ` At least ${count(knownMissing)} are missing.`;
  return `${count(saved)} frames are saved; how many are missing is unknown.${known}${black}${end}`;
}

/** Places shown; a recording with more has other troubles. */
const most = 200;

interface RecordingProps {
  readonly recording: RecordingIntegrity;
  readonly opening: ReviewOpening;
}

function Recording({ recording, opening }: RecordingProps): ReactElement {
  const { device, note, gaps, interruptions } = recording;
  const places = [
    ...gaps.map(({ frame, timeS, frames, where }) => ({
      frame,
      timeS,
      what: `${plural(frames, 'frame')} ${where === 'disk' ? 'not saved' : 'lost on the way'}`,
    })),
    ...interruptions.map(({ frame, timeS, seconds }) => ({
      frame,
      timeS,
      what: `no frame for ${decimal(seconds, 1)} s; how many were lost is unknown`,
    })),
  ].sort((a, b) => a.timeS - b.timeS);
  return (
    <section className={c('recording')} aria-label={`Recording of ${device}`}>
      <p>
        <b className={c('hi')}>{device}</b> {verdictOf(recording)}
      </p>
      {note === null ? null : <p className={c('dim')}>{note}</p>}
      {recording.source === 'none' ? null : (
        <>
          <Line places={places} opening={opening} />
          <Numbers recording={recording} />
        </>
      )}
      {places.length === 0 ? null : (
        <table className={c('places')}>
          <thead>
            <tr>
              <th scope="col">At</th>
              <th scope="col">Frame</th>
              <th scope="col">What</th>
            </tr>
          </thead>
          <tbody>
            {places.slice(0, most).map(({ frame, timeS, what }) => (
              <tr key={`${String(timeS)} ${what}`}>
                <td>{clock(timeS)}</td>
                <td>
                  {frame === null ? (
                    'not in this run'
                  ) : (
                    <button type="button" onClick={() => moveCursor(frame, opening.frames)}>
                      {count(frame)}
                    </button>
                  )}
                </td>
                <td>{what}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {places.length > most ? <p className={c('dim')}>and {count(places.length - most)} more.</p> : null}
    </section>
  );
}

interface LineProps {
  readonly places: readonly { readonly frame: number | null; readonly timeS: number; readonly what: string }[];
  readonly opening: ReviewOpening;
}

/** The run from its first to its last frame, with the places where something is missing. */
function Line({ places, opening }: LineProps): ReactElement {
  const cursor = useReview((state) => state.frame);
  const last = Math.max(1, opening.frames - 1);
  const at = (frame: number): string => `${String((100 * frame) / last)}%`;
  const go = (event: PointerEvent<HTMLElement>): void => {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    moveCursor(((event.clientX - box.left) / box.width) * last, opening.frames);
  };
  return (
    <div className={c('strip')} onPointerDown={go} onPointerMove={go}>
      {places.map(({ frame, timeS, what }) =>
        frame === null ? null : (
          <b key={`${String(timeS)} ${what}`} style={{ left: at(frame) }} title={`${duration(timeS)}: ${what}`} />
        ),
      )}
      <i className={c('line')} style={{ left: at(cursor) }} />
    </div>
  );
}

function Numbers({ recording }: { readonly recording: RecordingIntegrity }): ReactElement {
  const { expected, saved, missing, longestIntervalMs, usualIntervalMs, jitterMs, meanGrey } = recording;
  const { saturatedShare, unreadCounters, blackFrames, badOrientations, durationS } = recording;
  const ms = (value: number | null, places: number): string =>
    value === null ? unknown : `${decimal(value, places)} ms`;
  const rows: readonly (readonly [string, string])[] = [
    ['Length', durationS === null ? unknown : duration(durationS)],
    ['Expected', count(expected)],
    ['Saved', count(saved)],
    ['Missing', count(missing)],
    ['Usual interval', ms(usualIntervalMs, 1)],
    ['Longest interval', ms(longestIntervalMs, 0)],
    ['Jitter, p99', ms(jitterMs, 1)],
    ['Unread counters', count(unreadCounters)],
    ['Black frames', count(blackFrames)],
    ['Disturbed orientations', count(badOrientations)],
    ['Mean level', decimal(meanGrey, 1)],
    ['Saturated', saturatedShare === null ? unknown : `${decimal(100 * saturatedShare, 3)} %`],
  ];
  return (
    <dl className={c('facts')}>
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
