// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, type ReactNode, useRef, useState } from 'react';
import { AppError, type VerifyReport } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { report } from '../../stores/messages.ts';
import { classes } from '../../ui/classes.ts';
import { Bar, Button, Note } from '../../ui/controls.tsx';
import { bytes, count, dateTime, plural } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/panel.tsx';
import { Part, Row } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);

const kinds: Readonly<Record<string, string>> = {
  manual: 'by hand',
  scheduled: 'by itself',
  'before-restore': 'before one was brought back',
  'before-update': 'before an update',
};

/** What lies where, how much room is left; backups and the check of the library. */
export function StoragePage(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const storage = useQuery({
    queryKey: ['storage'],
    queryFn: ({ signal }) => core.settings.storage({}, { signal }),
    staleTime: 0,
  });
  const backups = useQuery({ queryKey: ['backups'], queryFn: ({ signal }) => core.library.backups({}, { signal }) });
  const renew = async (): Promise<void> => {
    await queries.invalidateQueries({ queryKey: ['storage'] });
    await queries.invalidateQueries({ queryKey: ['backups'] });
  };
  const clear = useMutation({
    mutationFn: () => core.settings.clearCache({}),
    onSuccess: async ({ freedBytes }) => {
      report('info', 'Storage', `${bytes(freedBytes)} are free again.`);
      await renew();
    },
  });
  const backup = useMutation({
    mutationFn: () => core.settings.backup({}),
    onSuccess: async ({ file, bytes: size }) => {
      report('info', 'Backup', `${file}, ${bytes(size)}: copied and checked.`);
      await renew();
    },
  });
  if (storage.isPending) return <Loading title="Looking" step={1} steps={1} detail="how much lies where" />;
  if (storage.isError)
    return <Failed title="The disk could not be read" error={storage.error} onRetry={() => void storage.refetch()} />;
  const { library, runs, cache, backups: copies, logs, quarantine, disk, roots } = storage.data;
  const failed = clear.error ?? backup.error;
  return (
    <div className={c('page')}>
      {failed === null ? null : (
        <Note kind="problem">
          {AppError.from(failed).message} {AppError.from(failed).hint}
        </Note>
      )}
      <Part title="Library">
        <Row label="Folder" help={library.readOnly ?? 'CALYX_LIBRARY or --library names another one at the next start'}>
          <b className={c('hi')}>{library.name}</b>
          <span className={c('dim')}>on {library.place}</span>
        </Row>
        <Row label="Disk" help={`${bytes(disk.freeBytes)} of ${bytes(disk.totalBytes)} are free`}>
          <Bar label="Used part of the disk" value={1 - disk.freeBytes / Math.max(1, disk.totalBytes)} width={200} />
        </Row>
        <table className={c('table')}>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col" className={c('num')}>
                Files
              </th>
              <th scope="col" className={c('num')}>
                Size
              </th>
              <th scope="col" className={c('act')}>
                <span className={c('hidden')}>Acts</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <KeptRow what="Database: metadata, decisions" files={1} size={library.databaseBytes} />
            <KeptRow what="Results of runs" files={runs.files} size={runs.bytes} />
            <KeptRow what="Cache: kept stages, made again when needed" files={cache.files} size={cache.bytes}>
              <Button
                size="small"
                onPress={() => clear.mutate()}
                off={cache.files === 0 ? 'It is empty.' : clear.isPending ? 'It is being emptied.' : undefined}
              >
                Empty the cache
              </Button>
            </KeptRow>
            <KeptRow what="Backups of the database" files={copies.files} size={copies.bytes}>
              <Button
                size="small"
                onPress={() => backup.mutate()}
                off={backup.isPending ? 'It is being copied.' : (library.readOnly ?? undefined)}
              >
                Back up now
              </Button>
            </KeptRow>
            <KeptRow what="Logs" files={logs.files} size={logs.bytes} />
            {quarantine.files === 0 ? null : (
              <KeptRow
                what={<span className={c('warn')}>Quarantine: damaged files</span>}
                files={quarantine.files}
                size={quarantine.bytes}
              />
            )}
          </tbody>
        </table>
      </Part>
      <Part title="Check">
        <Verify />
      </Part>
      <Part title="Backups">
        {(backups.data ?? []).length === 0 ? (
          <p className={c('dim')}>
            None yet. Results of runs are not part of a backup: they never change, and lie in the library’s folder.
          </p>
        ) : (
          <>
            <table className={c('table')}>
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col">Made</th>
                  <th scope="col" className={c('num')}>
                    Size
                  </th>
                </tr>
              </thead>
              <tbody>
                {(backups.data ?? []).slice(0, 12).map((copy) => (
                  <tr key={copy.file}>
                    <td>{dateTime(copy.at)}</td>
                    <td>{kinds[copy.kind] ?? copy.kind}</td>
                    <td className={c('num')}>{bytes(copy.bytes)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <p className={c('dim')}>
              To bring one back, close the workstation and run{' '}
              <span className={c('mono')}>calyx backup --restore newest</span>.
            </p>
          </>
        )}
      </Part>
      <Part title="Recordings">
        <p>Looked for below these folders, never copied. CALYX_DATA_ROOTS names others.</p>
        <table className={c('table')}>
          <tbody>
            {roots.map((root) => (
              <tr key={root.name}>
                <td>{root.name}</td>
                <td className={c('num')}>{root.freeBytes === null ? 'not there' : `${bytes(root.freeBytes)} free`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Part>
    </div>
  );
}

/** A kind of files that the library keeps, and what can be done with them. */
function KeptRow({ what, files, size, children }: KeptRowProps): ReactElement {
  return (
    <tr>
      <td>{what}</td>
      <td className={c('num')}>{count(files)}</td>
      <td className={c('num')}>{bytes(size)}</td>
      <td className={c('act')}>{children}</td>
    </tr>
  );
}

interface KeptRowProps {
  readonly what: ReactNode;
  readonly files: number;
  /** Bytes. */
  readonly size: number;
  readonly children?: ReactNode;
}

function Verify(): ReactElement {
  const core = useCore();
  const stop = useRef<AbortController | null>(null);
  const [at, setAt] = useState<{ readonly done: number; readonly total: number } | null>(null);
  const [result, setResult] = useState<VerifyReport | null>(null);
  const verify = useMutation({
    mutationFn: async () => {
      const { signal } = (stop.current = new AbortController());
      setResult(null);
      for await (const step of core.library.verify({ quarantine: true }, { signal })) {
        setAt({ done: step.done, total: step.total });
        if (step.report !== null) setResult(step.report);
      }
    },
    onSettled: () => setAt(null),
  });
  return (
    <>
      <p>
        Checks the database, and compares every file of every run with its size and hash. Damaged ones are set aside.
      </p>
      <div className={c('acts')}>
        <Button onPress={() => verify.mutate()} off={verify.isPending ? 'It is being checked.' : undefined}>
          Check the library
        </Button>
        {at === null ? null : (
          <>
            <Bar label="Files checked" value={at.total === 0 ? 0 : at.done / at.total} width={160} />
            <span className={c('dim')}>
              {count(at.done)} of {plural(at.total, 'file')}
            </span>
            <Button size="small" onPress={() => stop.current?.abort()}>
              Stop
            </Button>
          </>
        )}
      </div>
      {verify.error === null || AppError.from(verify.error).code === 'rpc.cancelled' ? null : (
        <Note kind="problem">{AppError.from(verify.error).message}</Note>
      )}
      {result === null ? null : <VerifyResult result={result} />}
    </>
  );
}

function VerifyResult({ result }: { readonly result: VerifyReport }): ReactElement {
  const lines = [
    ...result.integrity.map((text) => `Database: ${text}`),
    ...result.foreignKeys.map(({ table, parent, rows }) => `${plural(rows, 'row')} of ${table} lack their ${parent}`),
    ...result.damaged.map(({ file, what }) => `${file}: ${what === 'missing' ? 'is missing' : 'is damaged'}`),
    ...result.orphans.map((name) => `${name}: nothing in the library names it`),
  ];
  return (
    <>
      <Note kind={result.ok ? 'info' : 'problem'}>
        {plural(result.filesChecked, 'file')}, {bytes(result.bytesChecked)} checked:{' '}
        {result.ok ? 'all is as it was written.' : `${plural(lines.length, 'thing')} to look at.`}
      </Note>
      {lines.slice(0, 50).map((text) => (
        <Note key={text} kind="warning">
          {text}
        </Note>
      ))}
    </>
  );
}
