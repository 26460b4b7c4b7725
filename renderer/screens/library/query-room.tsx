// SPDX-License-Identifier: MIT
import { useMutation, useQuery } from '@tanstack/react-query';
import { Download, Play } from 'lucide-react';
import { type ReactElement, useMemo, useRef, useState } from 'react';
import type { Rows } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { commandLine, emptyQuery, selectionOf } from '../../stores/query-builder.ts';
import { useConsole } from '../../stores/query-console.ts';
import { classes } from '../../ui/classes.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { Button, Choice, Select } from '../../ui/controls.tsx';
import { count, plural, took } from '../../ui/format.ts';
import type { Column } from '../../ui/grid-columns.ts';
import { Grid, type Row } from '../../ui/grid.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { saveFile, toCsv } from '../../ui/save-file.ts';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';
import { QueryBuilder } from './query-builder.tsx';

const c = classes({ ...shared, ...rooms });

interface Answered {
  readonly rows: Rows;
  readonly seconds: number;
}

/** Questions of one's own: a SELECT, or a question put together from views. Nothing here can change the library. */
export function QueryRoom(): ReactElement {
  const core = useCore();
  const { mode, sql, built, history } = useConsole();
  const stop = useRef<AbortController | null>(null);
  const views = useQuery({
    queryKey: ['tables', 'views'],
    queryFn: ({ signal }) => core.library.views({}, { signal }),
  });
  const ask = useMutation({
    mutationFn: async (): Promise<Answered> => {
      stop.current?.abort();
      const { signal } = (stop.current = new AbortController());
      const now = useConsole.getState();
      const began = performance.now();
      const rows =
        now.mode === 'sql'
          ? await core.library.sql({ sql: now.sql, limit: now.built.limit }, { signal })
          : await core.library.query(selectionOf(now.built), { signal });
      return { rows, seconds: (performance.now() - began) / 1000 };
    },
    onSuccess: () => {
      const now = useConsole.getState();
      if (now.mode === 'sql')
        useConsole.setState({ history: [now.sql, ...now.history.filter((old) => old !== now.sql)].slice(0, 30) });
    },
  });
  const { mutate } = ask;
  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'query.run',
        label: 'Run the query',
        group: 'Query',
        scope: 'screen:library',
        keys: ['Mod+Enter'],
        inText: true,
        run: () => mutate(),
      },
    ],
    [mutate],
  );
  useCommands(commands);
  const off =
    mode === 'sql' && sql.trim() === '' ? 'Type a SELECT first.' : ask.isPending ? 'It is being asked.' : undefined;
  return (
    <div className={c('room query')}>
      <Panel
        title="Question"
        meta="reads only"
        end={
          <Choice
            label="Ask by"
            value={mode}
            onChange={(next) => useConsole.setState({ mode: next })}
            options={[
              { value: 'views', label: 'Views' },
              { value: 'sql', label: 'SQL' },
            ]}
          />
        }
      >
        <div className={c('question')}>
          {mode === 'sql' ? (
            <>
              <textarea
                className={c('area sql')}
                aria-label="SELECT statement"
                placeholder={'select state, count(*) as n from run group by state'}
                spellCheck={false}
                value={sql}
                onChange={(event) => useConsole.setState({ sql: event.target.value })}
              />
              {history.length === 0 ? null : (
                <span className={c('inline')}>
                  Asked before
                  <Select
                    label="Asked before"
                    value=""
                    onChange={(old) => useConsole.setState({ sql: old })}
                    options={[
                      { value: '', label: plural(history.length, 'question') },
                      ...history.map((old) => ({ value: old, label: old.replaceAll(/\s+/g, ' ').slice(0, 80) })),
                    ]}
                  />
                </span>
              )}
            </>
          ) : (
            <QueryBuilder
              views={views.data ?? []}
              query={built}
              onChange={(next) => useConsole.setState({ built: next })}
            />
          )}
        </div>
        <div className={c('foot')}>
          <Button kind="primary" off={off} onPress={() => mutate()} keys="Mod+Enter">
            <Icon of={Play} />
            Run
          </Button>
          {ask.isPending ? <Button onPress={() => stop.current?.abort()}>Stop</Button> : null}
          <span className={c('grow')} />
          {mode === 'views' ? (
            <Button kind="bare" onPress={() => useConsole.setState({ built: emptyQuery })}>
              Begin again
            </Button>
          ) : null}
          <Button
            kind="bare"
            title={mode === 'sql' ? 'The same for the command line' : commandLine(built)}
            onPress={() =>
              void navigator.clipboard.writeText(
                mode === 'sql' ? `calyx sql ${JSON.stringify(sql)} --csv` : commandLine(built),
              )
            }
          >
            Copy as CLI
          </Button>
        </div>
      </Panel>
      <Answer answer={ask.data} error={ask.error} asking={ask.isPending} onStop={() => stop.current?.abort()} />
    </div>
  );
}

interface AnswerProps {
  readonly answer: Answered | undefined;
  readonly error: Error | null;
  readonly asking: boolean;
  readonly onStop: () => void;
}

function Answer({ answer, error, asking, onStop }: AnswerProps): ReactElement {
  const rows = answer?.rows;
  const columns = useMemo<readonly Column[]>(
    () =>
      (rows?.columns ?? []).map((name, index) => ({
        key: `${String(index)} ${name}`,
        title: name,
        width: 'minmax(96px, 1fr)',
        number: rows?.rows.some((row) => typeof row[index] === 'number') === true,
      })),
    [rows],
  );
  const lines = useMemo<readonly Row[]>(
    () =>
      (rows?.rows ?? []).map((row, index) => ({
        kind: 'row',
        key: String(index),
        label: `Row ${String(index + 1)}`,
        renderCells: () =>
          row.map((value, at) => (
            <span key={columns[at]?.key} title={typeof value === 'string' && value.length > 16 ? value : undefined}>
              {value === null ? <span className={c('dim')}>–</span> : String(value)}
            </span>
          )),
      })),
    [rows, columns],
  );
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <Panel
      title="Answer"
      meta={
        rows === undefined
          ? undefined
          : `${plural(rows.rows.length, 'row')}${rows.truncated ? ', more follow' : ''}, ${took(answer?.seconds ?? 0)}`
      }
      end={
        <Button
          kind="bare"
          size="small"
          off={rows === undefined || rows.rows.length === 0 ? 'There are no rows.' : undefined}
          onPress={() => {
            if (rows !== undefined) saveFile('query.csv', toCsv(rows.columns, rows.rows));
          }}
        >
          <Icon of={Download} />
          CSV
        </Button>
      }
    >
      {asking ? (
        <Loading title="Asking" step={1} steps={1} detail="at most 10 s" onCancel={onStop} />
      ) : error !== null ? (
        <Failed title="The question could not be answered" error={error} />
      ) : rows === undefined ? (
        <Empty title="Nothing asked yet">
          <p>Put a question together at the left and run it. Answers can be saved as CSV.</p>
        </Empty>
      ) : rows.rows.length === 0 ? (
        <Empty title="No row fits">
          <p>The question was understood: {count(rows.columns.length)} columns, and no row.</p>
        </Empty>
      ) : (
        <Grid label="Answer" columns={columns} rows={lines} rowHeight={24} selected={chosen} onSelect={setChosen} />
      )}
    </Panel>
  );
}
