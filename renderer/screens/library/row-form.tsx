// SPDX-License-Identifier: MIT
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Key, Trash2, X } from 'lucide-react';
import { type ReactElement, useId, useState } from 'react';
import {
  AppError,
  type Scalar,
  type TableColumn,
  type TableInfo,
  type TableRow,
} from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useChanges, useChoices } from '../../client/library.ts';
import { report } from '../../stores/messages.ts';
import {
  changedColumns,
  columnTitle,
  type Draft,
  formColumns,
  problemOf,
  shownIn,
  valuesToSave,
} from '../../stores/row-form.ts';
import { usePerson, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Note, Select } from '../../ui/controls.tsx';
import { count, dateTime, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Panel } from '../../ui/panel.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';

const c = classes({ ...shared, ...rooms });

interface FormProps {
  readonly info: TableInfo;
  readonly tables: readonly TableInfo[];
  /** `new` for a row that is to be added, null when none is chosen. */
  readonly row: TableRow | 'new' | null;
  /** Values that new rows begin with: what the rows shown are narrowed to. */
  readonly given: Readonly<Record<string, Scalar>>;
  readonly onSaved: (key: Readonly<Record<string, Scalar>>) => void;
  readonly onClose: () => void;
}

/** One row as a form made from the catalogue, what refers to it, and who changed it. */
export function RowForm(props: FormProps): ReactElement {
  const { info, row } = props;
  if (row === null)
    return (
      <Panel title="Row">
        <Empty title="No row chosen">
          <p>Choose one to see all of it, to change it, and to see who changed it before.</p>
        </Empty>
        <TableFacts info={info} />
      </Panel>
    );
  return <OpenForm {...props} row={row === 'new' ? null : row} />;
}

function TableFacts({ info }: { readonly info: TableInfo }): ReactElement {
  const keys = info.columns.filter(({ key }) => key).map(({ name }) => name);
  return (
    <dl className={c('tableFacts')}>
      <dt>Table</dt>
      <dd>{info.table}</dd>
      <dt>Tier</dt>
      <dd>{info.tier}</dd>
      <dt>Natural key</dt>
      <dd>{keys.length === 0 ? '–' : keys.join(', ')}</dd>
      {info.noInsert === null ? null : (
        <>
          <dt>By hand</dt>
          <dd>{info.noInsert}</dd>
        </>
      )}
    </dl>
  );
}

function OpenForm({
  info,
  tables,
  row,
  given,
  onSaved,
  onClose,
}: Omit<FormProps, 'row'> & { readonly row: TableRow | null }): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() =>
    row === null
      ? Object.fromEntries(
          formColumns(info)
            .filter(({ name }) => given[name] !== undefined && given[name] !== null)
            .map(({ name }) => [name, String(given[name])]),
        )
      : {},
  );
  const [tried, setTried] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const fixed = row === null ? info.noInsert : row.builtin ? 'It ships with the program.' : info.noUpdate;
  const save = useMutation({
    mutationFn: () =>
      core.tables.save({
        table: info.table,
        key: row?.key ?? null,
        values: valuesToSave(info, row, draft),
        who: usePerson.getState().rater?.initials ?? '',
      }),
    onSuccess: async ({ key }) => {
      setDraft({});
      setTried(false);
      await queries.invalidateQueries({ queryKey: ['tables'] });
      report('info', info.className, row === null ? 'The row was added.' : 'The row was changed.');
      onSaved(key);
    },
  });
  const refused = save.error === null ? undefined : AppError.from(save.error);
  const columnsRefused = (refused?.details?.['columns'] ?? {}) as Readonly<Record<string, string>>;
  const columns = formColumns(info);
  const problems = columns.flatMap((column) => {
    const problem = problemOf(column, shownIn(info, column, row, draft));
    return problem === undefined ? [] : [{ column, problem }];
  });
  const changed = changedColumns(info, row, draft);
  const off =
    fixed ??
    (row !== null && changed.length === 0 ? 'Nothing was changed.' : save.isPending ? 'It is being saved.' : undefined);
  const submit = (): void => {
    setTried(true);
    if (off === undefined && problems.length === 0) save.mutate();
  };
  const problemAt = (column: TableColumn): string | undefined => {
    const own = problems.find((problem) => problem.column === column)?.problem;
    if (own !== undefined && (tried || (draft[column.name] ?? '') !== '')) return own;
    // What the library said holds until the field is typed in again.
    return save.variables === undefined && own === undefined ? columnsRefused[column.name] : undefined;
  };
  return (
    <Panel
      title={row === null ? `New row of ${info.className}` : 'Row'}
      meta={row === null ? undefined : rowMeta(row, info)}
      end={
        <>
          {row === null ? null : (
            <Button
              kind="bare"
              size="small"
              square
              label="Delete this row"
              title="Delete this row"
              off={row.builtin ? 'It ships with the program.' : undefined}
              onPress={() => setDeleting(true)}
            >
              <Icon of={Trash2} />
            </Button>
          )}
          <Button kind="bare" size="small" square label="Close the form" onPress={onClose}>
            <Icon of={X} />
          </Button>
        </>
      }
    >
      <div className={c('scroll')}>
        {fixed === null ? null : <Note kind="info">{fixed}</Note>}
        {refused !== undefined && Object.keys(columnsRefused).length === 0 ? (
          <Note kind="problem">
            {refused.message} {refused.hint}
          </Note>
        ) : null}
        <div className={c('form')}>
          {columns.map((column) => (
            <FormField
              key={column.name}
              column={column}
              value={shownIn(info, column, row, draft)}
              label={row?.labels[column.name]}
              changed={changed.includes(column.name)}
              fixed={fixed !== null}
              problem={problemAt(column)}
              onChange={(value) => {
                setDraft((before) => ({ ...before, [column.name]: value }));
                if (save.isError) save.reset();
              }}
              onEnter={submit}
            />
          ))}
        </div>
        {row === null ? null : <Children info={info} row={row} tables={tables} />}
        {row === null ? null : <Changes info={info} row={row} />}
      </div>
      {fixed === null ? (
        <div className={c('foot')}>
          {changed.length === 0 || row === null ? null : (
            <Button onPress={() => setDraft({})}>Discard {plural(changed.length, 'change')}</Button>
          )}
          <Button fill kind="primary" off={off} onPress={submit}>
            {row === null ? 'Add row' : 'Save row'}
          </Button>
        </div>
      ) : null}
      {deleting && row !== null ? (
        <DeleteDialog
          title={`Delete a row of ${info.className}`}
          target={{
            table: info.table,
            where: Object.entries(row.key).map(([column, value]) => conditionText(column, value)),
          }}
          onClose={() => setDeleting(false)}
          onDone={onClose}
        />
      ) : null}
    </Panel>
  );
}

/** A condition as a person would type it: it is shown among what was deleted. */
function conditionText(column: string, value: Scalar): string {
  if (value === null) return `${column} is null`;
  return `${column} = ${typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`}`;
}

function rowMeta(row: TableRow, info: TableInfo): string {
  const index = info.columns.findIndex(({ key, kind }) => key && kind === 'text');
  return index >= 0 ? String(row.values[index] ?? '') : Object.values(row.labels).join(', ');
}

interface FieldProps {
  readonly column: TableColumn;
  readonly value: string;
  readonly label: string | undefined;
  readonly changed: boolean;
  readonly fixed: boolean;
  readonly problem: string | undefined;
  readonly onChange: (value: string) => void;
  readonly onEnter: () => void;
}

function FormField(props: FieldProps): ReactElement {
  const { column, value, changed, fixed, problem, onChange, onEnter } = props;
  const id = useId();
  const title = columnTitle(column);
  return (
    <div className={c('formField')}>
      <span className={c('formLabel')}>
        {column.key ? <Icon of={Key} size={12} /> : null}
        {title}
        {column.unit === null ? null : <span className={c('dim')}>{column.unit}</span>}
        {column.required ? <span className={c('dim')}>needed</span> : null}
        {column.key ? <span className={c('hidden')}>part of the key</span> : null}
      </span>
      {fixed ? (
        <span className={c('fixed')}>{props.label ?? (value === '' ? '–' : value)}</span>
      ) : (
        <Control
          column={column}
          title={title}
          value={value}
          id={id}
          changed={changed}
          wrong={problem !== undefined}
          onChange={onChange}
          onEnter={onEnter}
        />
      )}
      <span id={id} className={c('formHelp', problem !== undefined && 'rec')}>
        {problem ?? column.text}
      </span>
    </div>
  );
}

interface ControlProps {
  readonly column: TableColumn;
  readonly title: string;
  readonly value: string;
  readonly id: string;
  readonly changed: boolean;
  readonly wrong: boolean;
  readonly onChange: (value: string) => void;
  readonly onEnter: () => void;
}

function Control({ column, title, value, id, changed, wrong, onChange, onEnter }: ControlProps): ReactElement {
  if (column.kind === 'reference') return <Reference column={column} title={title} value={value} onChange={onChange} />;
  if (column.kind === 'choice' || column.kind === 'flag') {
    const options =
      column.kind === 'flag'
        ? [
            { value: '1', label: 'yes' },
            { value: '0', label: 'no' },
          ]
        : column.choices.map((choice) => ({ value: choice, label: choice }));
    return (
      <Select
        label={title}
        value={value}
        onChange={onChange}
        options={value === '' || column.nullable ? [{ value: '', label: '–' }, ...options] : options}
      />
    );
  }
  return (
    <Field
      label={title}
      value={value}
      onChange={onChange}
      onEnter={onEnter}
      number={column.kind === 'integer' || column.kind === 'real'}
      changed={changed}
      wrong={wrong}
      describedBy={id}
      placeholder={column.kind === 'day' ? 'YYYY-MM-DD' : column.kind === 'instant' ? 'YYYY-MM-DDTHH:MM:SSZ' : ''}
    />
  );
}

function Reference({
  column,
  title,
  value,
  onChange,
}: Pick<ControlProps, 'column' | 'title' | 'value' | 'onChange'>): ReactElement {
  const choices = useChoices(column.parent);
  const rows = choices.data?.rows ?? [];
  const known = rows.some((row) => String(row.value) === value);
  return (
    <span className={c('reference')}>
      <Select
        label={title}
        value={value}
        onChange={onChange}
        options={[
          ...(column.nullable || value === '' ? [{ value: '', label: rows.length === 0 ? 'no rows yet' : '–' }] : []),
          ...(known || value === '' ? [] : [{ value, label: `row ${value}` }]),
          ...rows.map((row) => ({ value: String(row.value), label: row.label })),
        ]}
      />
      <Button
        size="small"
        kind="bare"
        title={`Show ${column.parent ?? ''}`}
        onPress={() => {
          if (column.parent !== null)
            useUi.setState({ table: { name: column.parent, where: value === '' ? {} : { id: Number(value) } } });
        }}
      >
        Show
      </Button>
    </span>
  );
}

/** Tables whose rows refer to this one. */
function Children({
  info,
  row,
  tables,
}: {
  readonly info: TableInfo;
  readonly row: TableRow;
  readonly tables: readonly TableInfo[];
}): ReactElement | null {
  const key = row.key['id'] ?? row.key[info.primary[0] ?? ''];
  const some = info.children.flatMap(({ table, column }) => {
    const child = tables.find((each) => each.table === table);
    return child === undefined || child.tier === 'internal' ? [] : [{ child, column }];
  });
  if (some.length === 0 || key === undefined) return null;
  return (
    <div className={c('section')}>
      <h3>Rows that refer to it</h3>
      <div className={c('childList')}>
        {some.map(({ child, column }) => (
          <Button
            key={`${child.table} ${column}`}
            size="small"
            onPress={() => useUi.setState({ table: { name: child.table, where: { [column]: key } } })}
          >
            {child.className}
          </Button>
        ))}
      </div>
    </div>
  );
}

function Changes({ info, row }: { readonly info: TableInfo; readonly row: TableRow }): ReactElement {
  const changes = useChanges({ table: info.table, key: row.key, limit: 50 });
  const list = changes.data ?? [];
  const words = { insert: 'added', update: 'changed', delete: 'deleted' } as const;
  return (
    <div className={c('section')}>
      <h3>Changes {list.length === 0 ? '' : count(list.length)}</h3>
      {list.length === 0 ? (
        <p className={c('dim')}>
          {changes.isPending ? 'Reading the change log.' : 'The change log has none of this row.'}
        </p>
      ) : (
        <ol className={c('plainList')}>
          {list.map((change) => (
            <li key={`${change.at} ${change.action} ${change.values.map(({ column }) => column).join(' ')}`}>
              <span className={c('dim')}>
                {dateTime(change.at)}, {change.who === '' ? 'nobody named' : change.who}, {words[change.action]}
              </span>
              {change.values.map(({ column, before, after }) => (
                <span key={column} className={c('changeLine')}>
                  {column}: {change.action === 'update' ? `${said(before)} → ` : ''}
                  <b>{said(change.action === 'delete' ? before : after)}</b>
                </span>
              ))}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function said(value: unknown): string {
  if (value === null || value === '') return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
