// SPDX-License-Identifier: MIT
import { useEffect, useRef } from 'react';
import type { RunRow } from '../../../main/contract/index.ts';
import { useSessions } from '../../client/queries.ts';
import { report } from '../../stores/messages.ts';
import { goTo } from '../../stores/ui.ts';
import { endedSince } from './notify.ts';

/** Says when a run ends: in the message area, and on the desktop where that was allowed and the window is not looked at. */
export function useRunNotices(runs: readonly RunRow[] | undefined): void {
  const sessions = useSessions().data;
  const before = useRef<readonly RunRow[] | undefined>(undefined);
  useEffect(() => {
    if (runs === undefined) return;
    const nameOf = (run: RunRow): string =>
      sessions?.find((session) => session.uuid === run.sessionUuid)?.name ?? run.name;
    for (const { run, title, body } of endedSince(before.current ?? runs, runs, nameOf)) {
      report(run.state === 'failed' ? 'error' : 'info', 'Process', `${title}. ${body}`);
      if (typeof Notification === 'undefined' || Notification.permission !== 'granted' || document.hasFocus()) continue;
      const notice = new Notification(title, { body, tag: run.uuid });
      notice.addEventListener('click', () => {
        window.focus();
        goTo('process', { sessionUuid: run.sessionUuid, followedRunUuid: run.uuid });
      });
    }
    before.current = runs;
  }, [runs, sessions]);
}
