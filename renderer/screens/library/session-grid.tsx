// SPDX-License-Identifier: MIT
import { Check, CircleX, TriangleAlert } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { type ReactElement, type ReactNode, useMemo } from 'react';
import { type Grouping, useLibraryView } from '../../stores/library-views.ts';
import { type FilesWord, groupSessions, type SessionLine, type Sort, sortSessions } from '../../stores/session-list.ts';
import { markTo, toggleMark, useMarked } from '../../stores/marked.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Bar } from '../../ui/controls.tsx';
import { bytes, count, dateTime, decimal, duration, percent, plural, unknown } from '../../ui/format.ts';
import type { Column } from '../../ui/grid-columns.ts';
import { Grid, type Row } from '../../ui/grid.tsx';
import { Icon } from '../../ui/icons.tsx';
import { styles as shared } from './styles.ts';
import exchange from './exchange.module.css';
import { Thumbnail } from './thumbnail.tsx';

const c = classes({ ...shared, ...exchange });

const columns: readonly Column[] = [
  {
    key: 'mark',
    fits: true,
    title: '',
    width: '16px',
    hint: 'Chosen to export together with others: Space, or a click',
  },
  {
    key: 'picture',
    fits: true,
    title: '',
    width: '32px',
    hint: 'Maximum of the newest result, else an early frame of the film',
  },
  { key: 'date', fits: true, title: 'Date', width: '76px', sortable: true, hint: 'Local day of the recording' },
  { key: 'session', fits: true, title: 'Session', width: 'minmax(96px, 1fr)', sortable: true },
  { key: 'length', fits: true, title: 'Length', width: '52px', number: true, sortable: true, yields: 4 },
  {
    key: 'fps',
    fits: true,
    title: 'fps',
    width: '44px',
    number: true,
    sortable: true,
    hint: 'Frames per second',
    yields: 3,
  },
  {
    key: 'dropped',
    fits: true,
    title: 'Dropped',
    width: '60px',
    number: true,
    sortable: true,
    yields: 7,
    hint: 'Frames the board counted that are not in the films; – where nothing tells',
  },
  { key: 'files', fits: true, title: 'Files', width: '96px', sortable: true, apart: true },
  {
    key: 'quality',
    fits: true,
    title: 'Quality',
    width: '48px',
    sortable: true,
    yields: 5,
    hint: 'How many of four checks it passes',
  },
  { key: 'runs', fits: true, title: 'Runs', width: '36px', number: true, sortable: true, yields: 6 },
  {
    key: 'curated',
    fits: true,
    title: 'Curated',
    width: '112px',
    sortable: true,
    apart: true,
    hint: 'Share of cells of the newest run decided',
  },
  { key: 'size', fits: true, title: 'Size', width: '60px', number: true, sortable: true, yields: 2 },
  { key: 'on', title: 'On', width: '72px', sortable: true, apart: true, hint: 'Disk or folder it lies on', yields: 1 },
];

interface GridProps {
  readonly lines: readonly SessionLine[];
  readonly grouping: Exclude<Grouping, 'timeline'>;
  readonly sort: Sort;
  readonly selected: string | null;
}

/** Sessions in groups, one line each. */
export function SessionGrid({ lines, grouping, sort, selected }: GridProps): ReactElement {
  const rows = useMemo(() => {
    const made: Row[] = [];
    const groups = groupSessions(sortSessions(lines, sort), grouping);
    const order = groups.flatMap((group) => group.lines.map(({ session }) => session.uuid));
    for (const group of groups) {
      made.push({
        kind: 'group',
        key: `group ${group.key}`,
        content: (
          <>
            {group.title}
            <span className={c('groupFacts')}>{groupFacts(group.lines)}</span>
          </>
        ),
      });
      for (const line of group.lines) made.push(sessionRow(line, grouping, order));
    }
    return made;
  }, [lines, grouping, sort]);
  return (
    <Grid
      label="Sessions"
      columns={columns}
      rows={rows}
      rowHeight={40}
      refilled
      selected={selected}
      sort={sort}
      onSort={(key) =>
        useLibraryView.setState({ sort: { key, descending: sort.key === key ? !sort.descending : key !== 'session' } })
      }
      onSelect={(uuid) => useUi.setState({ sessionUuid: uuid })}
      onMark={toggleMark}
      onOpen={(uuid) => goTo('process', { sessionUuid: uuid })}
    />
  );
}

function groupFacts(lines: readonly SessionLine[]): string {
  const places = [...new Set(lines.flatMap(({ facts }) => facts?.locations ?? []))];
  return [...places, `${plural(lines.length, 'session')} shown`].join(', ');
}

/** The box of a session; with Shift it and all since the one before. */
function Mark({
  uuid,
  name,
  order,
}: {
  readonly uuid: string;
  readonly name: string;
  readonly order: readonly string[];
}) {
  const isMarked = useMarked((state) => state.uuids.includes(uuid));
  return (
    <input
      type="checkbox"
      className={c('mark')}
      tabIndex={-1}
      aria-label={`Choose ${name}`}
      checked={isMarked}
      onMouseDown={(event) => event.preventDefault()}
      onClick={(event) => {
        event.stopPropagation();
        if (event.shiftKey) markTo(uuid, order);
        else toggleMark(uuid);
      }}
      onDoubleClick={(event) => event.stopPropagation()}
      onChange={() => undefined}
    />
  );
}

function sessionRow(line: SessionLine, grouping: Grouping, order: readonly string[]): Row {
  const { session, facts } = line;
  const renderCells = (): readonly ReactNode[] => [
    <Mark key="mark" uuid={session.uuid} name={session.name} order={order} />,
    <Thumbnail
      key="picture"
      sessionUuid={session.uuid}
      name={session.name}
      wanted={session.runs > 0 || session.filesPresent}
    />,
    <span key="date" className={c('hi')}>
      {line.day === '' ? unknown : line.day}
    </span>,
    <SessionName key="name" line={line} withAnimal={grouping === 'day'} />,
    duration(line.durationS),
    decimal(line.fps, 2),
    <Dropped key="dropped" missing={facts?.missing ?? null} />,
    <FilesState key="files" word={line.files} />,
    <Quality key="quality" line={line} />,
    count(session.runs),
    line.curated === null ? (
      <span key="curated" title="No run yet">
        {unknown}
      </span>
    ) : (
      <span key="curated" className={c('curated')}>
        <Bar label={`Curated of ${session.name}`} value={line.curated} width={56} />
        {percent(line.curated)}
      </span>
    ),
    <span key="size" className={c('dim')}>
      {bytes(facts?.bytes)}
    </span>,
    <span key="on" className={c('dim')} title={facts?.place}>
      {facts?.place ?? unknown}
    </span>,
  ];
  return { kind: 'row', key: session.uuid, renderCells, label: session.name };
}

function SessionName({ line, withAnimal }: { readonly line: SessionLine; readonly withAnimal: boolean }): ReactElement {
  const { session, facts } = line;
  const second = [
    ...(withAnimal && session.subject !== null ? [session.subject] : []),
    ...(session.startedAt === null ? [] : [dateTime(session.startedAt, session.tzOffsetMin).slice(11)]),
    ...(session.sample ? ['simulated'] : []),
    ...(facts?.tags ?? []),
  ].join(' · ');
  return (
    <span className={c('twoLines')}>
      <span className={c('cut')}>{session.name}</span>
      <span className={c('dim cut')}>{second === '' ? ' ' : second}</span>
    </span>
  );
}

function Dropped({ missing }: { readonly missing: number | null }): ReactElement {
  if (missing === null) return <span title="A film without a counter: nothing tells">{unknown}</span>;
  return <span className={c(missing > 0 && 'warn')}>{count(missing)}</span>;
}

const filesIcons: Readonly<Record<FilesWord, LucideIcon>> = {
  verified: Check,
  present: Check,
  gaps: TriangleAlert,
  findings: TriangleAlert,
  damaged: CircleX,
  moved: CircleX,
};
const filesTones = {
  verified: 'ok',
  present: 'dim',
  gaps: 'warn',
  findings: 'warn',
  damaged: 'rec',
  moved: 'rec',
} as const;
const filesTitles: Readonly<Record<FilesWord, string>> = {
  verified: 'Every byte was compared with the reports beside it',
  present: 'The films are where they were; not verified yet',
  gaps: 'Frames are missing',
  findings: 'Something was odd when it was imported',
  damaged: 'Something is wrong with the files',
  moved: 'The films are not where they were',
};

/** How its files are: sign, word and colour. */
export function FilesState({ word }: { readonly word: FilesWord }): ReactElement {
  return (
    <span className={c('state', filesTones[word])} title={filesTitles[word]}>
      <Icon of={filesIcons[word]} size={12} />
      {word === 'moved' ? 'files moved' : word}
    </span>
  );
}

function Quality({ line }: { readonly line: SessionLine }): ReactElement {
  const good = line.quality.filter((check) => check.good === true).length;
  const text = line.quality
    .map(({ name, good: is }) => `${is === null ? 'not known' : is ? 'yes' : 'no'}: ${name}`)
    .join('\n');
  return (
    <span
      className={c('quality')}
      role="img"
      aria-label={`${good} of ${line.quality.length} checks passed`}
      title={text}
    >
      {line.quality.map(({ name }, index) => (
        <i key={name} className={c(index < good && 'on')} />
      ))}
    </span>
  );
}
