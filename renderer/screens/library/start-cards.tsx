// SPDX-License-Identifier: MIT
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Aperture, FolderInput, Microscope } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { keys, useSample } from '../../client/queries.ts';
import { goTo, showOverlay, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Icon } from '../../ui/icons.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

/** The first start: nothing here yet, and three ways on. */
export function StartCards(): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const sample = useSample();
  const open = useMutation({
    mutationFn: () => core.sessions.openSample({}),
    onSuccess: async ({ session }) => {
      await queries.invalidateQueries({ queryKey: keys.sessions });
      goTo('process', { sessionUuid: session.uuid, runUuid: null, followedRunUuid: null });
    },
  });
  const connect = useMutation({
    mutationFn: () => core.acquire.connect({ deviceId: 'simulator' }),
    onMutate: () => goTo('acquire'),
  });
  return (
    <div className={c('cards')}>
      <h2>No sessions in this library yet</h2>
      <p>Three ways to begin. Nothing is copied or changed, and nothing leaves this machine.</p>
      <div className={c('starts')}>
        <Way icon={Microscope} title="See what it does">
          {sample.data?.available === false ? (
            <p>The sample session is not part of this installation.</p>
          ) : (
            <>
              <p>
                A simulated Miniscope recording that comes with the program: 30 seconds, about twenty cells, found in
                less than a minute.
              </p>
              <Button
                kind="primary"
                onPress={() => open.mutate()}
                off={open.isPending ? 'It is being opened.' : undefined}
              >
                Open the sample session
              </Button>
            </>
          )}
        </Way>
        <Way icon={Aperture} title="Practise recording">
          <p>
            A simulated scope with a picture, LED, gain and focus, and everything that can go wrong at a rig. What you
            record is a session like any other.
          </p>
          <Button onPress={() => connect.mutate()}>Practise with the simulator</Button>
        </Way>
        <Way icon={FolderInput} title="Bring your own">
          <p>A Miniscope session folder, a device folder inside it, or a film. It stays where it is.</p>
          <Button onPress={() => showOverlay('import')}>Import a folder</Button>
        </Way>
      </div>
      <p>
        <Button onPress={() => useUi.setState({ tour: 0 })}>Take the two-minute tour</Button>
      </p>
      {open.error === null ? null : (
        <Note kind="problem">
          {AppError.from(open.error).message} {AppError.from(open.error).hint}
        </Note>
      )}
    </div>
  );
}

interface WayProps {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly children: ReactNode;
}

function Way({ icon, title, children }: WayProps): ReactElement {
  return (
    <section className={c('start')} aria-label={title}>
      <h3>
        <Icon of={icon} size={20} />
        {title}
      </h3>
      {children}
    </section>
  );
}
