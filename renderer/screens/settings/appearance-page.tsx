// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import { fontScales, usePerson } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Choice, LabelMark } from '../../ui/controls.tsx';
import { Part, Row } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);

/** Theme, size of text, motion: of this browser, at once. */
export function AppearancePage(): ReactElement {
  const { theme, fontScale, motion } = usePerson();
  return (
    <div className={c('page')}>
      <Part title="Colours">
        <Row
          label="Theme"
          help="Pictures and colour-mapped plots stay on a dark ground in both, so that grey levels look the same."
        >
          <Choice
            label="Theme"
            value={theme}
            onChange={(next) => usePerson.setState({ theme: next })}
            options={[
              { value: 'dark', label: 'Dark' },
              { value: 'light', label: 'Light' },
            ]}
          />
        </Row>
        <Row
          label="States of a cell"
          help="Sign, word and line say the same as the colour; any two colours of data differ for colour-blind eyes, too."
        >
          <LabelMark label="accepted" />
          <LabelMark label="rejected" />
          <LabelMark label="undecided" />
        </Row>
      </Part>
      <Part title="Text">
        <Row label="Size" help="Rows and controls grow with the text.">
          <Choice
            label="Size of text"
            value={String(fontScale)}
            onChange={(next) => usePerson.setState({ fontScale: Number(next) })}
            options={fontScales.map((scale) => ({
              value: String(scale),
              label: `${String(Math.round(scale * 100))} %`,
            }))}
          />
        </Row>
        <Row label="So it looks">
          <div className={c('sample')}>
            <b className={c('hi')}>m12, 2026-11-20, session 1</b>
            <span>412 cells, 267 decided, 3 frames missing</span>
            <span className={c('dim')}>Axes and heads of tables are smaller still.</span>
          </div>
        </Row>
      </Part>
      <Part title="Motion">
        <Row
          label="Movement"
          help="Nothing moves by itself but data. The system’s wish for reduced motion is always kept."
        >
          <Choice
            label="Movement"
            value={motion}
            onChange={(next) => usePerson.setState({ motion: next })}
            options={[
              { value: 'system', label: 'As the system says' },
              { value: 'none', label: 'None' },
            ]}
          />
        </Row>
      </Part>
    </div>
  );
}
