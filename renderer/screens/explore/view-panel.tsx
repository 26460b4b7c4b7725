// SPDX-License-Identifier: MIT
import { Download, X } from 'lucide-react';
import { type ReactElement, type ReactNode, useContext } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { askProvenance } from '../../client/explore.ts';
import type { Fact } from '../../plots/csv.ts';
import { saveCsv, type Saved, savePng, saveSvg } from '../../plots/save.ts';
import {
  type Side,
  sideNames,
  useExplore,
  type ViewName,
  viewNames,
  viewTitles,
  withView,
} from '../../stores/explore.ts';
import { report } from '../../stores/messages.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Select } from '../../ui/controls.tsx';
import { DockedContext } from '../../ui/dock/slots.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import styles from './explore.module.css';
import { provenanceFacts } from './provenance.ts';

const c = classes(styles);

interface ViewPanelProps {
  readonly side: Side;
  readonly view: ViewName;
  readonly meta?: ReactNode;
  /** Choices of this view. */
  readonly controls?: ReactNode;
  /** What can be saved now. */
  readonly saved?: Saved | undefined;
  /** Runs whose numbers are shown. */
  readonly runUuids: readonly string[];
  /** Further facts of a file: choices made in the view. */
  readonly facts?: readonly Fact[];
  readonly children: ReactNode;
}

/** The select only leads away: what is shown stands in the header beside it. */
const options = [
  { value: '' as const, label: 'Show…' },
  ...viewNames.map((value) => ({ value, label: viewTitles[value] })),
];

/** Shows another view in a panel. */
export function showView(side: Side, view: ViewName): void {
  useExplore.setState((shown) => withView(shown, side, view));
}

/** One panel of Explore: what it shows, its choices, and how it is saved. */
export function ViewPanel(props: ViewPanelProps): ReactElement {
  const { side, view, meta, controls, saved, runUuids, facts = [], children } = props;
  const docked = useContext(DockedContext);
  return (
    <Panel
      title={viewTitles[view]}
      meta={meta}
      scope={`explore-${side}`}
      end={
        <>
          <Select
            label={`View ${sideNames[side]}`}
            value=""
            options={options}
            onChange={(value) => {
              if (value !== '') showView(side, value);
            }}
          />
          {side === 'left' || docked === null ? null : (
            <Button
              kind="bare"
              size="small"
              square
              label="Close this view"
              title="Close this view"
              onPress={docked.close}
            >
              <Icon of={X} />
            </Button>
          )}
        </>
      }
    >
      <div className={c('choices')}>
        {controls}
        <span className={c('grow')} />
        <SaveButtons saved={saved} runUuids={runUuids} facts={facts} />
      </div>
      <div className={c('viewBody')}>{children}</div>
    </Panel>
  );
}

interface SaveProps {
  readonly saved: Saved | undefined;
  readonly runUuids: readonly string[];
  readonly facts: readonly Fact[];
}

const kinds = ['PNG', 'SVG', 'CSV'] as const;

/** Saves a plot as picture or as numbers; each file says where it comes from. */
export function SaveButtons({ saved, runUuids, facts }: SaveProps): ReactElement {
  const core = useCore();
  const save = async (kind: (typeof kinds)[number]): Promise<void> => {
    if (saved === undefined) return;
    try {
      const all = await Promise.all(runUuids.map((uuid) => askProvenance(core, uuid)));
      const whole = [...provenanceFacts(all), ...facts];
      if (kind === 'PNG') await savePng(saved, whole);
      else if (kind === 'SVG') saveSvg(saved, whole);
      else saveCsv(saved, whole);
    } catch (error) {
      report('error', 'Explore', `${saved.title} could not be saved: ${AppError.from(error).message}`);
    }
  };
  return (
    <span className={c('saves')}>
      <Icon of={Download} size={12} />
      {kinds.map((kind) => (
        <Button
          key={kind}
          kind="bare"
          size="small"
          label={`Save as ${kind}`}
          title={
            kind === 'CSV' ? 'Save the numbers, with run, curation and settings in the first lines' : `Save as ${kind}`
          }
          off={saved === undefined ? 'There is nothing to save yet.' : undefined}
          onPress={() => void save(kind)}
        >
          {kind}
        </Button>
      ))}
    </span>
  );
}
