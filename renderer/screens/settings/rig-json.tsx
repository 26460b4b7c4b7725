// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import type { RigRemark } from '../../../main/contract/index.ts';
import { useRigEditor } from '../../stores/rig-editor.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import styles from './settings.module.css';

const c = classes(styles);

interface JsonProps {
  readonly text: string;
  readonly remarks: readonly RigRemark[];
  readonly onBack: (() => void) | undefined;
}

/** The rig as it is written; lines with a problem are marked. */
export function RigJson({ text, remarks, onBack }: JsonProps): ReactElement {
  const lines = text.split('\n');
  const bad = new Set(remarks.filter(({ severity }) => severity === 'problem').map(({ line }) => line));
  return (
    <>
      <div className={c('jsonHead')}>
        <h3>JSON</h3>
        <span className={c('dim')}>
          {plural(lines.length - (lines.at(-1) === '' ? 1 : 0), 'line')}, Miniscope-DAQ 1
        </span>
        <span className={c('grow')} />
        {onBack === undefined ? null : (
          <Button kind="bare" size="small" onPress={onBack}>
            Show the form
          </Button>
        )}
        <Button kind="bare" size="small" onPress={() => void navigator.clipboard.writeText(text)}>
          Copy
        </Button>
      </div>
      <div className={c('lines')}>
        <div className={c('numbers')} aria-hidden="true">
          {lines.map((_line, index) => (
            // oxlint-disable-next-line react/no-array-index-key -- a line is its number
            <div key={index} className={c(bad.has(index + 1) && 'bad')}>
              {index + 1}
            </div>
          ))}
        </div>
        <textarea
          className={c('text')}
          aria-label="The rig as JSON"
          spellCheck={false}
          rows={lines.length}
          value={text}
          onChange={(event) => useRigEditor.setState({ text: event.target.value })}
        />
      </div>
      {remarks.length === 0 ? null : (
        <div className={c('problems')}>
          {remarks.map((remark) => (
            <Note
              key={`${String(remark.line)} ${remark.message}`}
              kind={remark.severity === 'problem' ? 'problem' : 'info'}
            >
              {remark.line === null ? '' : `Line ${String(remark.line)}: `}
              {remark.message}
            </Note>
          ))}
        </div>
      )}
    </>
  );
}
