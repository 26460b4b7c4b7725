// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError, type AcquireDevice, type AcquireScopeType } from '../contract/index.ts';
import {
  type DeviceList,
  followDevices,
  type FoundDevice,
  listDevices,
  portNews,
  readCatalogue,
  type ScopeType,
  scopeType,
  type Setting,
} from '../devices/index.ts';
import { simulatorRig, writeWholeFile } from '../recording/index.ts';
import type { Child, ChildOptions } from '../supervisor/index.ts';
import { Followers } from '../rpc/index.ts';
import { type PracticeBoard, startPracticeBoard } from './practice-board.ts';
import type { ConnectedDevice } from './status.ts';

/** What the devices of a rig need of the world. */
export interface RigDevicesOptions {
  /** Folder for the log files of its processes. */
  readonly logFolder: string;
  /** Keeps which type of scope was on which USB port. */
  readonly typesFile: string;
  readonly supervise: (options: ChildOptions) => Child;
  /** What the simulated scope looks at. */
  readonly scene?: { readonly name: string; readonly seed: number };
  /** Looks which boards are there; the computer's ports where it is not given. */
  readonly devices?: typeof listDevices;
  /** The same now and after each change, until the signal. */
  readonly followDevices?: (signal: AbortSignal) => AsyncIterable<DeviceList>;
  /** The simulated board, where it runs already; else one is started. */
  readonly board?: PracticeBoard;
}

/** A device that can be opened. */
export interface UsableDevice extends ConnectedDevice {
  readonly simulated: boolean;
  /** What it can be used without. */
  readonly loss: FoundDevice['loss'];
}

const Types = z.record(z.string(), z.string());

/** A V4 where nobody has said otherwise. */
const usualType = simulatorRig.scopes[0]?.type ?? 'Miniscope_V4_BNO';

/** The boards that are there, what hangs on them, and the simulated one. */
export class RigDevices {
  readonly #options: RigDevicesOptions;
  /** The device that is open here: against it nothing stands. */
  readonly #held: () => string | null;
  readonly #say: (text: string) => void;
  readonly #followers = new Followers(() => this.list());
  #types: Readonly<Record<string, string>>;
  #seen: readonly FoundDevice[] | undefined;
  #watching = 0;
  #watch: AbortController | undefined;
  #ownBoard: { readonly board: PracticeBoard; readonly type: string } | undefined;

  constructor(options: RigDevicesOptions, held: () => string | null, say: (text: string) => void) {
    this.#options = options;
    this.#held = held;
    this.#say = say;
    this.#types = readTypes(options.typesFile);
  }

  /** Boards that are connected, and the simulated one. */
  list(): AcquireDevice[] {
    const { devices = listDevices } = this.#options;
    const held = this.#held();
    return (this.#seen ?? devices().devices).map(({ id, name, kind, problem, loss }) => ({
      id,
      name,
      simulated: kind === 'simulator',
      problem: id === held ? null : problem,
      loss: loss === null ? undefined : { ...loss },
      scopeType: this.#typeOn(id),
    }));
  }

  /** The same now and after each change, until the signal; while somebody follows, what comes and goes is told. */
  async *follow(signal: AbortSignal): AsyncGenerator<AcquireDevice[]> {
    this.#watching += 1;
    this.#watch ??= this.#startWatch();
    try {
      yield* this.#followers.follow(signal);
    } finally {
      this.#watching -= 1;
      if (this.#watching === 0) this.#endWatch();
    }
  }

  /** Something that the list tells has changed here. */
  notify(): void {
    this.#followers.notify();
  }

  /** The types of scope that can be driven. */
  scopeTypes(): AcquireScopeType[] {
    return [...readCatalogue().values()].map(({ type, label, width, height }) => ({
      type,
      label: label ?? type,
      width,
      height,
    }));
  }

  /**
   * A device that is there and can be opened, with its address and the type of its scope.
   *
   * @param wanted the type of scope on it; what was last there, when it is left out
   * @throws AppError `device.not_found`, `device.unknown_type`
   */
  async usable(id: string, wanted?: string): Promise<UsableDevice> {
    const { devices = listDevices } = this.#options;
    const device = devices().devices.find((candidate) => candidate.id === id);
    if (device === undefined) throw new AppError('device.not_found', 'That board is not connected any more.');
    if (device.problem !== null && id !== this.#held()) {
      throw new AppError('device.not_found', device.problem.message, { hint: device.problem.fix });
    }
    const type = scopeType(readCatalogue(), wanted ?? this.#typeOn(id));
    const simulated = device.kind === 'simulator';
    const address = simulated ? await this.#practiceAddress(type) : device.address;
    const speedMbps = device.usb?.speedMbps ?? null;
    return { id, name: type.label ?? type.type, type, address, speedMbps, simulated, loss: device.loss };
  }

  /** Remembers what hangs on a port. @throws the system's error */
  async remember(id: string, type: ScopeType): Promise<void> {
    if (this.#typeOn(id) === type.type) return;
    this.#types = { ...this.#types, [id]: type.type };
    this.#followers.notify();
    await mkdir(path.dirname(this.#options.typesFile), { recursive: true });
    await writeWholeFile(this.#options.typesFile, `${JSON.stringify(this.#types, null, 2)}\n`);
  }

  /** @throws AppError `acquire.not_now` before the simulated scope was connected, `usage.invalid` */
  async practise(act: string): Promise<void> {
    const board = this.#options.board ?? this.#ownBoard?.board;
    if (board === undefined) throw new AppError('acquire.not_now', 'The simulated scope is not connected.');
    await board.act(act);
  }

  async close(): Promise<void> {
    this.#endWatch();
    await (this.#options.board ?? this.#ownBoard?.board)?.close();
  }

  #typeOn(id: string): string {
    const type = this.#types[id];
    // One that the catalogue has lost since is no type any more.
    return type !== undefined && readCatalogue().has(type) ? type : usualType;
  }

  /** Starts the simulated board, or another one where it carries another scope. */
  async #practiceAddress({ type }: ScopeType): Promise<string> {
    const { logFolder, supervise, board, scene = { name: 'scope', seed: 1 } } = this.#options;
    if (board !== undefined) return board.address;
    if (this.#ownBoard !== undefined && this.#ownBoard.type !== type) {
      await this.#ownBoard.board.close();
      this.#ownBoard = undefined;
    }
    this.#ownBoard ??= { board: await startPracticeBoard({ logFolder, scopeType: type, scene }, supervise), type };
    return this.#ownBoard.board.address;
  }

  #startWatch(): AbortController {
    const watch = new AbortController();
    void (async () => {
      const { followDevices: follow = followDevices } = this.#options;
      for await (const { devices } of follow(watch.signal)) {
        if (watch.signal.aborted) return;
        for (const text of this.#seen === undefined ? [] : portNews(this.#seen, devices)) this.#say(text);
        this.#seen = devices;
        this.#followers.notify();
      }
    })().catch(() => undefined);
    return watch;
  }

  #endWatch(): void {
    this.#watch?.abort();
    this.#watch = undefined;
    this.#seen = undefined;
  }
}

function readTypes(file: string): Readonly<Record<string, string>> {
  try {
    return Types.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}

/** A real scope begins as its type says: dark. The simulated V4 shows a picture at once. */
export function firstSettings({ simulated, type }: UsableDevice): Readonly<Record<string, Setting>> {
  const scope = simulatorRig.scopes.find((candidate) => candidate.type === type.type);
  return simulated ? (scope?.settings ?? {}) : {};
}
