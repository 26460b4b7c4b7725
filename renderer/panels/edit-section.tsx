// SPDX-License-Identifier: MIT
import { Merge, Pencil, Plus, Scissors, SplitSquareHorizontal, Trash2 } from 'lucide-react';
import { type ReactElement, useEffect, useState } from 'react';
import { AppError, type Cell } from '../../main/contract/index.ts';
import { dropEdit, useNeighbours } from '../client/edits.ts';
import { type EditPhase, editWords, ownCells, takeTool, useEdit } from '../stores/edit.ts';
import { useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import { runById } from '../ui/commands/use-commands.ts';
import { Button } from '../ui/controls.tsx';
import { count, decimal } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface SectionProps {
  readonly runUuid: string;
  readonly cells: readonly Cell[];
  readonly cell: Cell;
  readonly readOnly: string | null;
  /** Scores stay hidden until the cell is decided. */
  readonly blind: boolean;
}

/** Two cells that may be one: why, and a look at what merging would give. */
export function MergeHint({ runUuid, cell, readOnly, blind }: Omit<SectionProps, 'cells'>): ReactElement | null {
  const neighbours = useNeighbours(runUuid, cell.uuid);
  const phase = useEdit((state) => state.phase);
  const other = neighbours.data?.find(({ maybeOne }) => maybeOne);
  if (other === undefined || phase.kind !== 'idle') return null;
  return (
    <div className={c('hint')}>
      <Icon of={Merge} />
      <p>
        {cell.row} and {other.row} overlap{blind ? '' : ` ${decimal(other.overlap, 2)}`} and fire together
        {blind ? '' : `, r ${decimal(other.correlation, 2)}`}. One cell?
      </p>
      <Button
        size="small"
        keepFocus
        keys="G"
        off={readOnly ?? undefined}
        onPress={() => {
          useReview.setState({ partner: other.cellUuid });
          runById('review.merge');
        }}
      >
        Preview
      </Button>
    </div>
  );
}

/** The edit under way, where there is one. */
export function EditUnderWay({ cells }: Pick<SectionProps, 'cells'>): ReactElement | null {
  const phase = useEdit((state) => state.phase);
  return phase.kind === 'idle' ? null : <Phase phase={phase} cells={cells} />;
}

/** What can be done to the cell's outline. */
export function EditChoices({ cell: { row }, readOnly }: Pick<SectionProps, 'cell' | 'readOnly'>): ReactElement {
  const tool = useEdit((state) => state.tool);
  const off = readOnly ?? undefined;
  return (
    <div className={c('section')}>
      <h3>Edit cell {row}</h3>
      <div className={c('editRow')}>
        <Button
          size="small"
          keepFocus
          keys="X"
          off={off}
          title="Two cells by their activity"
          onPress={() => runById('review.split')}
        >
          <Icon of={SplitSquareHorizontal} />
          Split
        </Button>
        <Button
          size="small"
          keepFocus
          pressed={tool === 'cut'}
          keys="Shift+X"
          off={off}
          onPress={() => takeTool('cut')}
        >
          <Icon of={Scissors} />
          Cut
        </Button>
        <Button size="small" keepFocus pressed={tool === 'trim'} keys="I" off={off} onPress={() => takeTool('trim')}>
          <Icon of={Pencil} />
          Trim
        </Button>
        <Button size="small" keepFocus keys="Delete" off={off} onPress={() => runById('review.delete')}>
          <Icon of={Trash2} />
          Delete
        </Button>
      </div>
      <h3>New cell</h3>
      <div className={c('editRow')}>
        <Button size="small" keepFocus pressed={tool === 'seed'} keys="N" off={off} onPress={() => takeTool('seed')}>
          <Icon of={Plus} />
          At a point
        </Button>
        <Button size="small" keepFocus pressed={tool === 'draw'} keys="D" off={off} onPress={() => takeTool('draw')}>
          <Icon of={Pencil} />
          Draw
        </Button>
      </div>
    </div>
  );
}

/** Seconds since a moment, counted while the component is there. */
function useSeconds(sinceMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, (now - sinceMs) / 1000);
}

function Working({ sinceMs }: { readonly sinceMs: number }): ReactElement {
  const seconds = useSeconds(sinceMs);
  return <p role="status">The engine is computing it: {seconds.toFixed(1)} s. Nothing is changed yet.</p>;
}

function Phase({ phase, cells }: { readonly phase: EditPhase; readonly cells: readonly Cell[] }): ReactElement | null {
  if (phase.kind === 'idle') return null;
  const words = editWords(phase.edit, (uuid) => cells.find((cell) => cell.uuid === uuid)?.row);
  const error = phase.kind === 'failed' ? AppError.from(phase.error) : undefined;
  return (
    <section className={c('section editPhase')} aria-label="Edit under way">
      <h3>{words}</h3>
      {phase.kind === 'computing' ? <Working sinceMs={phase.sinceMs} /> : null}
      {phase.kind === 'committing' ? <p role="status">Saving the edit.</p> : null}
      {error === undefined ? null : (
        <p role="alert" className={c('problemText')}>
          {error.message} {error.hint}
        </p>
      )}
      {phase.kind === 'previewed' ? <Outcome phase={phase} cells={cells} /> : null}
      <div className={c('editRow')}>
        {phase.kind === 'previewed' ? (
          <Button kind="primary" size="small" keepFocus keys="Enter" onPress={() => runById('review.edit-go')}>
            {words.split(' ')[0]}
          </Button>
        ) : null}
        <Button
          size="small"
          keepFocus
          keys="Escape"
          off={phase.kind === 'committing' ? 'It is being saved.' : undefined}
          onPress={dropEdit}
        >
          {phase.kind === 'failed' ? 'Close' : phase.kind === 'computing' ? 'Cancel' : 'Discard'}
        </Button>
      </div>
    </section>
  );
}

/** What the edit would leave: the new cells with their figures, those that go, and how many others are solved again. */
function Outcome({
  phase,
  cells,
}: {
  readonly phase: Extract<EditPhase, { kind: 'previewed' }>;
  readonly cells: readonly Cell[];
}): ReactElement {
  const own = ownCells(phase.edit, phase.cells);
  const gone = own.filter(({ state }) => state !== 'live');
  const left = own.filter(({ state, result }) => state === 'live' && result !== null);
  const others = phase.cells.filter((cell) => !own.includes(cell)).length;
  const before = (uuid: string | null): Cell | undefined => cells.find((cell) => cell.uuid === uuid);
  return (
    <>
      <table className={c('outcome')}>
        <thead>
          <tr>
            <th scope="col">Cell</th>
            <th scope="col">SNR</th>
            <th scope="col">r</th>
            <th scope="col">Area</th>
          </tr>
        </thead>
        <tbody>
          {gone.map(({ row, uuid }) => (
            <Figures key={row} name={String(row)} tone="gone" metrics={before(uuid)?.metrics ?? {}} />
          ))}
          {left.map(({ row, made: isMade, result }) => (
            <Figures
              key={row}
              name={isMade ? `new ${String(row)}` : String(row)}
              tone="new"
              metrics={result?.metrics ?? {}}
            />
          ))}
        </tbody>
      </table>
      {others > 0 ? <p className={c('dim')}>{count(others)} neighbours were solved again with it.</p> : null}
    </>
  );
}

function Figures({
  name,
  tone,
  metrics,
}: {
  readonly name: string;
  readonly tone: 'gone' | 'new';
  readonly metrics: Cell['metrics'];
}): ReactElement {
  return (
    <tr className={c(tone === 'gone' ? 'rowGone' : 'rowNew')}>
      <th scope="row">{tone === 'gone' ? <s>{name}</s> : name}</th>
      <td>{decimal(metrics['snr'], 1)}</td>
      <td>{decimal(metrics['rValue'], 2)}</td>
      <td>{count(metrics['areaPx'])}</td>
    </tr>
  );
}
