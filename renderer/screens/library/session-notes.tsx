// SPDX-License-Identifier: MIT
import { useMutation } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type SessionFacts } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { usePerson } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Note } from '../../ui/controls.tsx';
import { clock } from '../../ui/format.ts';
import { styles } from './styles.ts';

const c = classes(styles);

interface NotesProps {
  readonly sessionUuid: string;
  readonly facts: SessionFacts | undefined;
}

const tagsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
];

/** Lines of a notes.csv: milliseconds since the start, then what was written. */
function remarkLines(remarks: string) {
  return remarks.split('\n').map((text, line) => {
    const [, ms, rest] = /^\s*(-?\d+)\s*,\s*(.*)$/.exec(text) ?? [];
    return ms === undefined || rest === undefined ? { line, text } : { line, at: clock(Number(ms) / 1000), text: rest };
  });
}

/** What was written down while it was recorded, and what is added later: note and tags. */
export function SessionNotes({ sessionUuid, facts }: NotesProps): ReactElement {
  const core = useCore();
  const [note, setNote] = useState<string | null>(null);
  const [tags, setTags] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: () =>
      core.sessions.annotate({
        sessionUuid,
        who: usePerson.getState().rater?.initials ?? '',
        ...(note === null ? {} : { note }),
        ...(tags === null ? {} : { tags: tagsOf(tags) }),
      }),
    onSuccess: () => {
      setNote(null);
      setTags(null);
    },
  });
  const changed = note !== null || tags !== null;
  const shownTags = tags ?? facts?.tags.join(', ') ?? '';
  return (
    <div className={c('section')}>
      <h3>Notes</h3>
      {facts?.remarks === undefined || facts.remarks === '' ? null : (
        <ol className={c('remarks')}>
          {remarkLines(facts.remarks).map(({ line, at, text }) => (
            <li key={line}>
              {at === undefined ? null : <span className={c('mono')}>{at} </span>}
              {text}
            </li>
          ))}
        </ol>
      )}
      <div className={c('noteForm')}>
        <textarea
          className={c('area')}
          aria-label="Note about this session"
          placeholder="Note about this session"
          rows={3}
          value={note ?? facts?.note ?? ''}
          onChange={(event) => setNote(event.target.value)}
        />
        <Field
          label="Tags"
          placeholder="Tags, separated by commas"
          value={shownTags}
          onChange={setTags}
          changed={tags !== null}
        />
        {changed ? (
          <div className={c('popActs')}>
            <Button size="small" onPress={() => save.mutate()} off={save.isPending ? 'It is being saved.' : undefined}>
              Save notes
            </Button>
            <Button
              size="small"
              kind="bare"
              onPress={() => {
                setNote(null);
                setTags(null);
              }}
            >
              Discard
            </Button>
          </div>
        ) : null}
        {save.isError ? <Note kind="problem">{AppError.from(save.error).message}</Note> : null}
      </div>
    </div>
  );
}
