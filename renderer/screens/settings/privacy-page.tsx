// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import { useKnownCommands } from '../../stores/known-commands.ts';
import { useLibraryView } from '../../stores/library-views.ts';
import { useMessages } from '../../stores/messages.ts';
import { useConsole } from '../../stores/query-console.ts';
import { usePerson, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { plural } from '../../ui/format.ts';
import { Part, Row } from './parts.tsx';
import styles from './settings.module.css';

const c = classes(styles);

/** What is kept where, and that nothing leaves the machine. */
export function PrivacyPage(): ReactElement {
  const messages = useMessages((state) => state.list);
  const forget = (): void => {
    for (const store of [usePerson, useUi, useLibraryView, useConsole, useKnownCommands]) store.persist.clearStorage();
    window.location.reload();
  };
  return (
    <div className={c('page')}>
      <Part title="Nothing leaves this machine">
        <p>
          Calyx talks to nobody: no account, no statistics, no search for updates. The window is served on this
          machine’s own address to whoever has its token. Fonts and icons come with the program.
        </p>
        <p>
          It fetches something in one case only: where you install it from its source, set-up fetches the packages it is
          made of.
        </p>
      </Part>
      <Part title="What is kept">
        <table className={c('table')}>
          <thead>
            <tr>
              <th scope="col">Where</th>
              <th scope="col">What</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <td className={c('hi')}>Session folders</td>
              <td>Films, times, notes, the researcher’s and animal’s names as they were typed at the rig</td>
            </tr>
            <tr>
              <td className={c('hi')}>Library</td>
              <td>Metadata, results, decisions with initials, a log of changes, logs of runs</td>
            </tr>
            <tr>
              <td className={c('hi')}>Your settings folder</td>
              <td>Rigs and limits of runs</td>
            </tr>
            <tr>
              <td className={c('hi')}>This browser</td>
              <td>Who sits here, theme, keys, filters and views, questions asked in Query</td>
            </tr>
          </tbody>
        </table>
        <Row label="This browser" help="Theme, keys, views and questions begin anew; nothing in the library changes">
          <Button onPress={forget}>Forget what this browser keeps</Button>
        </Row>
      </Part>
      <Part title="Logs">
        <p>
          Logs lie in the library’s folder and are sent to nobody. Messages of this session can be copied to show them
          to somebody; they may hold names of sessions.
        </p>
        <div className={c('acts')}>
          <Button
            off={messages.length === 0 ? 'There are no messages.' : undefined}
            onPress={() =>
              void navigator.clipboard.writeText(
                messages
                  .map(
                    ({ at, severity, source, text, count }) =>
                      `${new Date(at).toISOString()} ${severity} ${source}: ${text} ×${String(count)}`,
                  )
                  .join('\n'),
              )
            }
          >
            Copy {plural(messages.length, 'message')}
          </Button>
        </div>
      </Part>
    </div>
  );
}
