// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { useDevices } from '../../client/devices.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Loading } from '../../ui/panel.tsx';
import { BoardRow } from './board-row.tsx';
import { RigChoice } from './rig-choice.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** What the system does see, in a sentence; nothing where it keeps no list. */
export function seenWords(names: readonly string[] | null): string {
  if (names === null) return '';
  return names.length === 0 ? 'I see no camera either.' : `I can see: ${names.join(', ')}.`;
}

/** No scope yet: what is seen, the usual causes, the ways on. */
export function NoScope({ status }: { readonly status: AcquireStatus }): ReactElement {
  const core = useCore();
  const { devices, scan } = useDevices();
  const types = useQuery({
    queryKey: ['scope types'],
    queryFn: ({ signal }) => core.acquire.scopeTypes({}, { signal }),
  });
  const cameras = useQuery({
    queryKey: ['cameras'],
    queryFn: ({ signal }) => core.acquire.cameras({}, { signal }),
    staleTime: 0,
  });
  const [wanted, setWanted] = useState<string | null>(null);
  const [chosen, setChosen] = useState<Readonly<Record<string, string>>>({});
  const boards = (devices ?? []).filter(({ simulated }) => !simulated);
  const [last] = status.messages;
  const connect = (deviceId: string, scopeType?: string): void => {
    setWanted(deviceId);
    // The first scope's board is the one that is connected; the others' are as chosen, else in the order of the ports.
    const others = Object.entries(chosen).filter(([name, board]) => name !== first && board !== '');
    const wish = { deviceId, boards: Object.fromEntries(others), ...(scopeType === undefined ? {} : { scopeType }) };
    void atRig('Connect', core.acquire.connect(wish)).finally(() => setWanted(null));
  };
  const { rig } = status;
  const first = rig?.scopes[0]?.name;
  const several = rig !== null && rig.scopes.length + rig.cameras.length > 1;
  const off = rig?.problem == null ? undefined : 'The rig cannot be driven; choose another one.';
  if (status.mode === 'connecting' || wanted !== null) {
    const { step, steps, text } = status.connecting ?? { step: 1, steps: 2, text: 'Looking for the board' };
    return (
      <div className={c('noScope')}>
        <Loading title="Connecting the scope" step={step} steps={steps} detail={text} />
      </div>
    );
  }
  return (
    <div className={c('noScope')}>
      <div className={c('noScopeText')}>
        <h2>{boards.length === 0 ? 'No Miniscope found' : 'No scope is connected'}</h2>
        {boards.length === 0 ? (
          <>
            <p>
              No Miniscope DAQ board is on this computer’s USB ports. {seenWords(cameras.data?.names ?? null)} Usual
              causes:
            </p>
            <ol>
              <li>The board is not on a USB 3 port (blue), or hangs on a hub.</li>
              <li>Another program has it.</li>
              <li>The cable, or the coax connector at the scope.</li>
            </ol>
          </>
        ) : (
          boards.map((board) => (
            <BoardRow
              key={board.id}
              board={board}
              types={types.data ?? []}
              rigType={rig?.scopes[0]?.type ?? null}
              connectLabel={several ? `Connect as ${first ?? 'the first scope'}` : 'Connect'}
              off={off}
              onConnect={(scopeType) => connect(board.id, scopeType)}
            />
          ))
        )}
        <RigChoice
          status={status}
          boards={boards.filter(({ problem }) => problem === null)}
          chosen={chosen}
          onChoose={(name, board) => setChosen((before) => ({ ...before, [name]: board }))}
        />
        <div className={c('buttons')}>
          <Button kind="primary" size="big" off={off} onPress={() => connect('simulator')}>
            {several ? 'Use this rig, simulated' : 'Use simulated scope'}
          </Button>
          <Button
            size="big"
            onPress={() => {
              scan();
              void cameras.refetch();
            }}
          >
            Scan again
          </Button>
          <Button size="big" onPress={() => goTo('library')}>
            Open a recording instead
          </Button>
        </div>
        <p className={c('quiet')}>
          The simulated scope looks at living tissue: LED, gain and focus do what they do on a real one, and what it
          records can be processed.
        </p>
        {last === undefined || last.severity === 'info' ? null : (
          <Note kind={last.severity === 'error' ? 'problem' : 'warning'}>{last.text}</Note>
        )}
      </div>
    </div>
  );
}
