// SPDX-License-Identifier: MIT
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useSql } from '../../client/library.ts';
import { useCore } from '../../client/context.ts';
import { usePerson } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field, Note } from '../../ui/controls.tsx';
import { count, dateTime } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/panel.tsx';
import { Part, Row } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);

const ratersSql = `SELECT rater.id, lower(hex(rater.uuid)), rater.initials, rater.name, rater.created_at,
  (SELECT count(*) FROM curation WHERE owner_id = rater.id),
  (SELECT count(*) FROM curation_log WHERE rater_id = rater.id) FROM rater ORDER BY rater.initials`;

const dashed = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** Who judges cells in this library, and who sits here now. */
export function RatersPage(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const me = usePerson((state) => state.rater);
  const raters = useSql('raters', ratersSql);
  const [initials, setInitials] = useState('');
  const [name, setName] = useState('');
  const add = useMutation({
    mutationFn: () =>
      core.review.addRater({ initials: initials.trim(), ...(name.trim() === '' ? {} : { name: name.trim() }) }),
    onSuccess: async (rater) => {
      setInitials('');
      setName('');
      usePerson.setState({ rater });
      await queries.invalidateQueries({ queryKey: ['tables'] });
    },
  });
  const off =
    initials.trim() === ''
      ? 'Type one to eight letters first.'
      : initials.trim().length > 8
        ? 'At most eight letters.'
        : undefined;
  return (
    <div className={c('page')}>
      <Part title="Raters of this library">
        <p>
          Each decision carries the initials of the person who made it. Decisions of two raters are compared in Review.
        </p>
        {raters.isPending ? (
          <div className={c('loadingBox')}>
            <Loading title="Opening" step={1} steps={1} detail="reading the raters" />
          </div>
        ) : raters.isError ? (
          <div className={c('loadingBox')}>
            <Failed title="The raters could not be read" error={raters.error} onRetry={() => void raters.refetch()} />
          </div>
        ) : raters.data.rows.length === 0 ? (
          <p className={c('dim')}>Nobody yet. The first decision asks, or add somebody here.</p>
        ) : (
          <table className={c('table')}>
            <thead>
              <tr>
                <th scope="col">Initials</th>
                <th scope="col">Name</th>
                <th scope="col">Since</th>
                <th scope="col" className={c('num')}>
                  Curations
                </th>
                <th scope="col" className={c('num')}>
                  Decisions
                </th>
                <th scope="col" className={c('act')}>
                  <span className={c('hidden')}>Acts</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {raters.data.rows.map(([id, hex, rater, full, since, curations, decisions]) => {
                const uuid = dashed(String(hex));
                return (
                  <tr key={String(id)}>
                    <td className={c('hi')}>{rater}</td>
                    <td>{full ?? '–'}</td>
                    <td className={c('dim')}>{dateTime(String(since))}</td>
                    <td className={c('num')}>{count(Number(curations))}</td>
                    <td className={c('num')}>{count(Number(decisions))}</td>
                    <td className={c('act')}>
                      {me?.uuid === uuid ? (
                        <span className={c('dim')}>sits here</span>
                      ) : (
                        <Button
                          size="small"
                          onPress={() =>
                            usePerson.setState({
                              rater: {
                                uuid,
                                initials: String(rater),
                                name: full === null || full === undefined ? null : String(full),
                              },
                            })
                          }
                        >
                          I am {rater}
                        </Button>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
      </Part>
      <Part title="Add a rater">
        <Row label="Initials" help="One to eight letters">
          <span className={c('numberField')}>
            <Field label="Initials" value={initials} onChange={setInitials} maxLength={8} />
          </span>
        </Row>
        <Row label="Name" help="May be left empty">
          <span className={c('wideField')}>
            <Field label="Name" value={name} onChange={setName} maxLength={200} />
          </span>
        </Row>
        <div className={c('acts')}>
          <Button onPress={() => add.mutate()} off={off}>
            Add rater
          </Button>
        </div>
        {add.error === null ? null : <Note kind="problem">{AppError.from(add.error).message}</Note>}
      </Part>
    </div>
  );
}
