// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import type { AcquireStatus } from '../../../main/contract/index.ts';
import { atRig } from '../../client/acquire.ts';
import { useCore } from '../../client/context.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Loading } from '../../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** No scope yet: what is seen, the usual causes, the ways on. */
export function NoScope({ status }: { readonly status: AcquireStatus }): ReactElement {
  const core = useCore();
  const devices = useQuery({
    queryKey: ['devices'],
    queryFn: ({ signal }) => core.acquire.devices({}, { signal }),
    staleTime: 0,
  });
  const [wanted, setWanted] = useState<string | null>(null);
  const boards = (devices.data ?? []).filter(({ simulated }) => !simulated);
  const [last] = status.messages;
  const connect = (deviceId: string): void => {
    setWanted(deviceId);
    void atRig('Connect', core.acquire.connect({ deviceId })).finally(() => setWanted(null));
  };
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
            <p>No Miniscope DAQ board is on this computer’s USB ports. Usual causes:</p>
            <ol>
              <li>The board is not on a USB 3 port (blue), or hangs on a hub.</li>
              <li>Another program has it.</li>
              <li>The cable, or the coax connector at the scope.</li>
            </ol>
          </>
        ) : (
          boards.map(({ id, name, problem }) => (
            <div key={id} className={c('board')}>
              <b>{name}</b>
              {problem === null ? (
                <Button onPress={() => connect(id)}>Connect</Button>
              ) : (
                <p>
                  {problem.message} {problem.fix}
                </p>
              )}
            </div>
          ))
        )}
        <div className={c('buttons')}>
          <Button kind="primary" size="big" onPress={() => connect('simulator')}>
            Use simulated scope
          </Button>
          <Button size="big" onPress={() => void devices.refetch()}>
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
