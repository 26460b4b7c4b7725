// SPDX-License-Identifier: MIT
import {
  Cable,
  Cpu,
  FlaskConical,
  HardDrive,
  Keyboard,
  type LucideIcon,
  Palette,
  RadioTower,
  ShieldCheck,
  Stethoscope,
  Users,
} from 'lucide-react';
import type { ReactElement } from 'react';
import { useRigEditor } from '../../stores/rig-editor.ts';
import { type SettingsSection, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { AppearancePage } from './appearance-page.tsx';
import { DoctorPage } from './doctor-page.tsx';
import { LabPage } from './lab-page.tsx';
import { PrivacyPage } from './privacy-page.tsx';
import { ProcessingPage } from './processing-page.tsx';
import { RatersPage } from './raters-page.tsx';
import { RemotePage } from './remote-page.tsx';
import { RigsPage, useOpenRig, useRigs } from './rigs-page.tsx';
import styles from './settings.module.css';
import { ShortcutsPage } from './shortcuts-page.tsx';
import { StoragePage } from './storage-page.tsx';

const c = classes(styles);

const pages: readonly {
  readonly id: SettingsSection;
  readonly name: string;
  readonly icon: LucideIcon;
  readonly Page: () => ReactElement;
}[] = [
  { id: 'rigs', name: 'Rigs', icon: Cable, Page: RigsPage },
  { id: 'storage', name: 'Storage', icon: HardDrive, Page: StoragePage },
  { id: 'processing', name: 'Processing', icon: Cpu, Page: ProcessingPage },
  { id: 'appearance', name: 'Appearance', icon: Palette, Page: AppearancePage },
  { id: 'shortcuts', name: 'Shortcuts', icon: Keyboard, Page: ShortcutsPage },
  { id: 'raters', name: 'Raters', icon: Users, Page: RatersPage },
  { id: 'lab', name: 'Lab', icon: FlaskConical, Page: LabPage },
  { id: 'remote', name: 'Remote control', icon: RadioTower, Page: RemotePage },
  { id: 'doctor', name: 'Doctor', icon: Stethoscope, Page: DoctorPage },
  { id: 'privacy', name: 'Privacy', icon: ShieldCheck, Page: PrivacyPage },
];

/** How the program is set: pages at the left, one of them at the right. */
export function SettingsScreen(): ReactElement {
  const wanted = useUi((state) => state.settingsSection);
  const page = pages.find(({ id }) => id === wanted) ?? pages[0];
  return (
    <div className={c('screen')}>
      <Panel title="Settings" scroll>
        <nav className={c('nav')} aria-label="Pages of Settings">
          {pages.map(({ id, name, icon }) => (
            <div key={id}>
              <button
                type="button"
                className={c('item')}
                onClick={() => {
                  useUi.setState({ settingsSection: id });
                  const { isNew, text, saved } = useRigEditor.getState();
                  if (id === 'rigs' && !isNew && text === saved)
                    useRigEditor.setState({ id: null, text: '', saved: '' });
                }}
                {...(page?.id === id ? { 'aria-current': 'page' as const } : {})}
              >
                <Icon of={icon} />
                {name}
              </button>
              {id === 'rigs' ? <RigItems open={page?.id === 'rigs'} /> : null}
            </div>
          ))}
        </nav>
      </Panel>
      {page === undefined ? null : (
        <Panel title={page.name} scroll={page.id !== 'rigs'} key={page.id}>
          <page.Page />
        </Panel>
      )}
    </div>
  );
}

/** The rigs, each with the kind of its scope. */
function RigItems({ open }: { readonly open: boolean }): ReactElement | null {
  const rigs = useRigs();
  const chosen = useRigEditor((state) => state.id);
  const openRig = useOpenRig();
  return (
    <>
      {(rigs.data?.rigs ?? []).map((rig) => (
        <button
          key={rig.id}
          type="button"
          className={c('item sub')}
          onClick={() => {
            useUi.setState({ settingsSection: 'rigs' });
            void openRig(rig.id);
          }}
          {...(open && chosen === rig.id ? { 'aria-current': 'true' as const } : {})}
        >
          <span className={c('name')}>{rig.id}</span>
          <span className={c('kind')}>{rig.problem === null ? rig.kind : 'problem'}</span>
        </button>
      ))}
    </>
  );
}
