// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type FolderRef } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { typeParameter, useProcess } from '../../stores/process.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { plural } from '../../ui/format.ts';
import { Empty, Failed, Loading } from '../../ui/panel.tsx';
import { FolderBrowser } from '../library/folder-browser.tsx';
import exchange from '../library/exchange.module.css';
import { styles } from '../library/styles.ts';

const c = classes({ ...styles, ...exchange });

/** Takes places of cells that somebody marked (outlines of ImageJ, a table) as seeds of the run. */
export function SeedsDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const core = useCore();
  const [recordingUuid] = useProcess((state) => state.chosen);
  const [chosen, setChosen] = useState<FolderRef | null>(null);
  const isFile = chosen !== null && /\.(?:zip|roi|csv|tsv|txt)$/i.test(chosen.path);
  const places = useQuery({
    queryKey: ['places', chosen, recordingUuid],
    queryFn: ({ signal }) =>
      chosen === null
        ? Promise.reject(new AppError('usage.invalid', 'No file is chosen.'))
        : core.results.places(
            { source: { folder: chosen }, ...(recordingUuid === undefined ? {} : { recordingUuid }) },
            { signal },
          ),
    enabled: isFile,
    staleTime: 0,
    retry: false,
  });
  const off = !isFile
    ? 'Choose a file first.'
    : places.data === undefined
      ? places.isError
        ? 'It cannot be used as it is.'
        : 'It is being read.'
      : undefined;
  return (
    <Dialog
      title="Cells marked beforehand"
      onClose={onClose}
      width={760}
      foot={
        <>
          <span className={c('footText')}>
            {off ?? 'They are taken before the search’s own, however faint they are; the search then goes on.'}
          </span>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            kind="primary"
            off={off}
            onPress={() => {
              if (places.data === undefined) return;
              typeParameter('givenSeeds', places.data.text);
              onClose();
            }}
          >
            Use {places.data === undefined || !isFile ? 'these places' : plural(places.data.count, 'place')}
          </Button>
        </>
      }
    >
      <div className={c('columns')}>
        <div className={c('places')}>
          <FolderBrowser chosen={chosen} onChoose={setChosen} files="places" />
        </div>
        <div className={c('form')} aria-live="polite">
          {!isFile ? (
            <Empty title="No file chosen">
              <p>Outlines of ImageJ (.zip, .roi), or a table with the columns x and y in px (.csv, .tsv, .txt).</p>
            </Empty>
          ) : places.isPending ? (
            <Loading title="Reading" step={1} steps={1} detail="places of cells" onCancel={() => setChosen(null)} />
          ) : places.isError ? (
            <Failed title="It holds no places that can be used" error={places.error} />
          ) : (
            <div className={c('pad')}>
              <dl className={c('facts2')}>
                <dt>Places</dt>
                <dd>{plural(places.data.count, 'place')}</dd>
              </dl>
              {places.data.findings.map((text) => (
                <Note key={text} kind="warning">
                  {text}
                </Note>
              ))}
            </div>
          )}
        </div>
      </div>
    </Dialog>
  );
}
