// SPDX-License-Identifier: MIT
import { useMutation, useQuery } from '@tanstack/react-query';
import { Check, CircleX, TriangleAlert } from 'lucide-react';
import { type ReactElement, type ReactNode, useState } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useInfo } from '../../client/queries.ts';
import { measureDrawing } from '../../gl/measure.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { bytes, decimal, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Failed, Loading } from '../../ui/panel.tsx';
import { Part } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);
const icons = { ok: Check, warning: TriangleAlert, problem: CircleX } as const;
const tones = { ok: 'ok', warning: 'warn', problem: 'rec' } as const;
const words = { ok: 'fine', warning: 'look at it', problem: 'mend it' } as const;

/** A V4 writes 11.1 MB/s of raw frames: three times that leaves room for everything else. */
const enoughPerSecond = 33e6;

interface Line {
  readonly id: string;
  readonly title: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  readonly fix?: string | undefined;
}

/** What this program needs, checked on this machine, and how fast it is; all of it can be copied. */
export function DoctorPage(): ReactElement {
  const core = useCore();
  const info = useInfo();
  const checks = useQuery({
    queryKey: ['doctor'],
    queryFn: ({ signal }) => core.app.doctor({}, { signal }),
    staleTime: 0,
  });
  const boards = useQuery({
    queryKey: ['boards'],
    queryFn: ({ signal }) => core.acquire.devices({}, { signal }),
    staleTime: 0,
  });
  const [copied, setCopied] = useState(false);
  const disk = useMutation({ mutationFn: () => core.settings.measureDisk({}) });
  const drawing = useMutation({ mutationFn: () => measureDrawing() });
  const real = (boards.data ?? []).filter(({ simulated }) => !simulated);
  const lines: readonly Line[] = [
    ...(checks.data ?? []),
    ...(boards.data === undefined
      ? []
      : real.length === 0
        ? [
            {
              id: 'usb',
              title: 'Miniscope on USB',
              status: 'warning' as const,
              detail: 'no board is connected; the simulated one is there',
              fix: 'Connect the DAQ to a USB 3 port (blue, or marked SS).',
            },
          ]
        : real.map((board) => ({
            id: board.id,
            title: `${board.name}, ${board.id}`,
            status: board.problem === null ? ('ok' as const) : ('problem' as const),
            detail: board.problem?.message ?? 'on a USB 3 port, 5 Gbit/s',
            fix: board.problem?.fix,
          }))),
    {
      id: 'browser',
      title: 'Window',
      status: 'ok',
      detail: `${/(?:Chrome|Firefox|Version)\/[\d.]+/.exec(navigator.userAgent)?.[0]?.replace('/', ' ') ?? 'unknown browser'}, ${String(window.innerWidth)} × ${String(window.innerHeight)} px at ${decimal(window.devicePixelRatio, 2)}`,
    },
  ];
  const measured: readonly Line[] = [
    ...(disk.data === undefined
      ? []
      : [
          {
            id: 'disk-speed',
            title: 'Disk of the library',
            status: disk.data.bytesPerSecond >= enoughPerSecond ? ('ok' as const) : ('warning' as const),
            detail: `writes ${bytes(disk.data.bytesPerSecond)}/s; a V4 needs 10.6 MB/s`,
            ...(disk.data.bytesPerSecond >= enoughPerSecond ? {} : { fix: 'Record onto another disk.' }),
          },
        ]),
    ...(drawing.data === undefined
      ? []
      : [
          {
            id: 'drawing-speed',
            title: 'Drawing',
            status: drawing.data.msPerFrame <= 33 ? ('ok' as const) : ('warning' as const),
            detail: `${decimal(drawing.data.msPerFrame, 1)} ms a frame of 608 × 608 px, ${drawing.data.renderer}`,
            ...(drawing.data.msPerFrame <= 33
              ? {}
              : { fix: 'Update the graphics driver; the program draws in software now.' }),
          },
        ]),
  ];
  const reportText = [
    `Calyx ${info.data?.version ?? '?'}, engine ${info.data?.engineVersion ?? 'none'}, ${plural(info.data?.threads ?? 0, 'thread')}, ${bytes(info.data?.memoryBytes)} for runs`,
    ...[...lines, ...measured].map(
      (line) => `${words[line.status]}: ${line.title}: ${line.detail}${line.fix === undefined ? '' : ` (${line.fix})`}`,
    ),
    navigator.userAgent,
  ].join('\n');
  if (checks.isError)
    return (
      <Failed title="The machine could not be checked" error={checks.error} onRetry={() => void checks.refetch()} />
    );
  if (checks.isPending) return <Loading title="Looking" step={1} steps={2} detail="engine, ffmpeg, disk, boards" />;
  return (
    <div className={c('page')}>
      <Part title="What is needed">
        <Lines lines={lines} />
      </Part>
      <Part title="How fast it is">
        <p>The disk is written for a moment beside the library; drawing takes about a second.</p>
        <div className={c('acts')}>
          <Measure label="Measure the disk" busy={disk.isPending} onPress={() => disk.mutate()} error={disk.error} />
          <Measure
            label="Measure drawing"
            busy={drawing.isPending}
            onPress={() => drawing.mutate()}
            error={drawing.error}
          />
        </div>
        <Lines lines={measured} />
      </Part>
      <Part title="For whoever helps you">
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard */}
        <pre className={c('code')} tabIndex={0} aria-label="Report">
          {reportText}
        </pre>
        <div className={c('acts')}>
          <Button
            onPress={() => {
              void navigator.clipboard.writeText(reportText).then(() => setCopied(true));
            }}
          >
            Copy report
          </Button>
          <Button
            onPress={() => {
              void checks.refetch();
              void boards.refetch();
            }}
          >
            Look again
          </Button>
          {copied ? <span className={c('dim')}>Copied; it names no person and no path.</span> : null}
        </div>
      </Part>
    </div>
  );
}

function Lines({ lines }: { readonly lines: readonly Line[] }): ReactElement | null {
  if (lines.length === 0) return null;
  return (
    <table className={c('table')}>
      <tbody>
        {lines.map((line) => (
          <tr key={line.id}>
            <td className={c('hi')}>{line.title}</td>
            <td>
              {line.detail}
              {line.fix === undefined ? null : <span className={c('fix')}>{line.fix}</span>}
            </td>
            <td className={c('act')}>
              <span className={c('state', tones[line.status])}>
                <Icon of={icons[line.status]} size={12} />
                {words[line.status]}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface MeasureProps {
  readonly label: string;
  readonly busy: boolean;
  readonly onPress: () => void;
  readonly error: Error | null;
}

function Measure({ label, busy, onPress, error }: MeasureProps): ReactNode {
  return (
    <>
      <Button onPress={onPress} off={busy ? 'It is being measured.' : undefined}>
        {busy ? 'Measuring' : label}
      </Button>
      {error === null ? null : <span className={c('rec')}>{AppError.from(error).message}</span>}
    </>
  );
}
