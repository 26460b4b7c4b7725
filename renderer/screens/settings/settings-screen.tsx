// SPDX-License-Identifier: MIT
import { Palette } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import type { ReactElement } from 'react';
import { type SettingsSection, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { AppearancePage } from './appearance-page.tsx';
import styles from './settings.module.css';

const c = classes(styles);

const pages: readonly {
  readonly id: SettingsSection;
  readonly name: string;
  readonly icon: LucideIcon;
  readonly Page: () => ReactElement;
}[] = [{ id: 'appearance', name: 'Appearance', icon: Palette, Page: AppearancePage }];

/** How the program is set: pages at the left, one of them at the right. */
export function SettingsScreen(): ReactElement {
  const wanted = useUi((state) => state.settingsSection);
  const page = pages.find(({ id }) => id === wanted) ?? pages[0];
  return (
    <div className={c('screen')}>
      <Panel title="Settings">
        <nav className={c('nav')} aria-label="Pages of Settings">
          {pages.map(({ id, name, icon }) => (
            <button
              key={id}
              type="button"
              className={c('item')}
              onClick={() => useUi.setState({ settingsSection: id })}
              {...(page?.id === id ? { 'aria-current': 'page' as const } : {})}
            >
              <Icon of={icon} />
              {name}
            </button>
          ))}
        </nav>
      </Panel>
      {page === undefined ? null : (
        <Panel title={page.name} scroll key={page.id}>
          <page.Page />
        </Panel>
      )}
    </div>
  );
}
