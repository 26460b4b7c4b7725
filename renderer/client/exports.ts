// SPDX-License-Identifier: MIT
import { useEffect, useRef, useState } from 'react';
import type { ExportTask } from '../../main/contract/index.ts';
import { useConnection, useLine } from './context.ts';

/** The queued exports of the core and how far each is; null before the first answer. */
export function useExports(): readonly ExportTask[] | null {
  const { core } = useConnection();
  const open = useLine().state === 'open';
  const [tasks, setTasks] = useState<readonly ExportTask[] | null>(null);
  useEffect(() => {
    if (!open) return undefined;
    const stop = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        for await (const { exports } of core.interop.exports({}, { signal: stop.signal })) {
          if (stop.signal.aborted) return;
          setTasks(exports);
        }
      } catch {
        // The line was lost or the screen left: the banner speaks, and the next open line follows again.
      }
    };
    void follow();
    return () => stop.abort();
  }, [core, open]);
  return tasks;
}

/** How far the work with a ticket is; null before it has said anything. */
export function useTicket(ticket: string | null): { readonly step: string; readonly fraction: number } | null {
  const { core } = useConnection();
  const [told, setTold] = useState<{ ticket: string; step: string; fraction: number } | null>(null);
  useEffect(() => {
    if (ticket === null) return undefined;
    const stop = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        for await (const value of core.interop.progress({ ticket }, { signal: stop.signal })) {
          if (stop.signal.aborted) return;
          setTold({ ticket, ...value });
        }
      } catch {
        // What the work itself says of a lost line is shown.
      }
    };
    void follow();
    return () => stop.abort();
  }, [core, ticket]);
  return told?.ticket === ticket ? told : null;
}

/** Long work of a dialog that its core names by a ticket. */
export interface Work {
  /** How far it is; null when none is under way or it has said nothing yet. */
  readonly progress: { readonly step: string; readonly fraction: number } | null;
  /** Begins it; `cancel`, and leaving the dialog, abort its signal. */
  readonly run: <T>(begin: (ticket: string, signal: AbortSignal) => Promise<T>) => Promise<T>;
  readonly cancel: () => void;
}

/** Work that is followed and can be cancelled; it does not outlive whatever began it. */
export function useWork(): Work {
  const [ticket, setTicket] = useState<string | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  return {
    progress: useTicket(ticket),
    run: async (begin) => {
      const [own, control] = [crypto.randomUUID(), new AbortController()];
      stop.current = control;
      setTicket(own);
      try {
        return await begin(own, control.signal);
      } finally {
        setTicket((current) => (current === own ? null : current));
      }
    },
    cancel: () => stop.current?.abort(),
  };
}
