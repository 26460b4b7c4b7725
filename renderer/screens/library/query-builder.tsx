// SPDX-License-Identifier: MIT
import { Plus, X } from 'lucide-react';
import type { ReactElement } from 'react';
import type { ViewInfo } from '../../../main/contract/index.ts';
import { type BuiltCondition, type BuiltQuery, columnsOf, operators } from '../../stores/query-builder.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Select } from '../../ui/controls.tsx';
import { Icon } from '../../ui/icons.tsx';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';

const c = classes({ ...shared, ...rooms });

interface BuilderProps {
  readonly views: readonly ViewInfo[];
  readonly query: BuiltQuery;
  readonly onChange: (query: BuiltQuery) => void;
}

/** A question from views: which rows, joined with what, which columns, in which order. */
export function QueryBuilder({ views, query, onChange }: BuilderProps): ReactElement {
  const columns = columnsOf(views, query);
  const change = (part: Partial<BuiltQuery>): void => onChange({ ...query, ...part });
  const named = (kind: ViewInfo['kind']) =>
    views.filter((view) => view.kind === kind).map(({ name }) => ({ value: name, label: name }));
  const relations = [...named('view'), ...named('table')];
  const list = (names: readonly string[], none: string) => [
    { value: '', label: none },
    ...names.map((name) => ({ value: name, label: name })),
  ];
  const condition = (id: number, part: Partial<BuiltCondition>): void =>
    change({ conditions: query.conditions.map((each) => (each.id === id ? Object.assign({}, each, part) : each)) });
  return (
    <div className={c('builder')}>
      <div className={c('pairs')}>
        <span>From</span>
        <Select
          label="View"
          value={query.view}
          options={
            relations.some(({ value }) => value === query.view)
              ? relations
              : [{ value: query.view, label: query.view }, ...relations]
          }
          onChange={(view) => change({ view, columns: [], conditions: [], order: '' })}
        />
        <span>Joined with</span>
        <Select
          label="Joined with"
          value={query.join}
          options={[{ value: '', label: 'nothing' }, ...relations]}
          onChange={(join) => change({ join, columns: [], order: '' })}
        />
      </div>
      <h3>Rows where</h3>
      {query.conditions.map((each) => (
        <div key={each.id} className={c('builderRow')}>
          <Select
            label="Column"
            value={each.column}
            options={list(columns, 'column')}
            onChange={(column) => condition(each.id, { column })}
          />
          <Select
            label="Is"
            value={each.is}
            options={operators.map((operator) => ({ value: operator, label: operator }))}
            onChange={(is) => condition(each.id, { is })}
          />
          {each.is.endsWith('empty') ? null : (
            <span className={c('builderValue')}>
              <Field label="Value" value={each.value} onChange={(value) => condition(each.id, { value })} />
            </span>
          )}
          <Button
            kind="bare"
            size="small"
            square
            label="Remove this condition"
            onPress={() => change({ conditions: query.conditions.filter(({ id }) => id !== each.id) })}
          >
            <Icon of={X} />
          </Button>
        </div>
      ))}
      <div>
        <Button
          size="small"
          onPress={() =>
            change({
              conditions: [
                ...query.conditions,
                {
                  id: query.conditions.reduce((highest, { id }) => Math.max(highest, id), 0) + 1,
                  column: columns[0] ?? '',
                  is: '=',
                  value: '',
                },
              ],
            })
          }
        >
          <Icon of={Plus} size={12} />
          Condition
        </Button>
      </div>
      <h3>Columns {query.columns.length === 0 ? <span className={c('dim')}>all of them</span> : null}</h3>
      <div className={c('columnList')}>
        {columns.map((column) => (
          <label key={column} className={c('check')}>
            <input
              type="checkbox"
              checked={query.columns.includes(column)}
              onChange={(event) =>
                change({
                  columns: event.target.checked
                    ? [...query.columns, column]
                    : query.columns.filter((other) => other !== column),
                })
              }
            />
            {column}
          </label>
        ))}
      </div>
      <div className={c('pairs')}>
        <span>Sorted by</span>
        <Select
          label="Sorted by"
          value={query.order}
          options={list(columns, 'nothing')}
          onChange={(order) => change({ order })}
        />
        <span />
        <label className={c('check')}>
          <input
            type="checkbox"
            checked={query.descending}
            onChange={(event) => change({ descending: event.target.checked })}
          />
          largest first
        </label>
        <span>At most</span>
        <Select
          label="Most rows"
          value={String(query.limit)}
          options={[100, 1000, 10_000, 20_000].map((limit) => ({
            value: String(limit),
            label: `${String(limit)} rows`,
          }))}
          onChange={(limit) => change({ limit: Number(limit) })}
        />
      </div>
    </div>
  );
}
