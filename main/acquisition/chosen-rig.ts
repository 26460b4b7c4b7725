// SPDX-License-Identifier: MIT
import { AppError, type AcquireRig } from '../contract/index.ts';
import { readCatalogue, scopeType } from '../devices/index.ts';
import { allowedPrograms, refuseUnlisted, type Rig, rigOf as readRigJson, startProgram } from '../recording/index.ts';
import type { CompanionRig } from './companion-rig.ts';
import { type PracticeBoard, startPracticeBoard } from './practice-board.ts';
import type { RigDevicesOptions } from './rig-devices.ts';

/** What a chosen rig needs of the world. */
export interface ChosenRigOptions extends Pick<RigDevicesOptions, 'logFolder' | 'supervise' | 'scene'> {
  /** The text of a rig of this user. @throws AppError `files.not_found` */
  readonly readRig?: (id: string) => Promise<string>;
  /** Where programs are listed that a rig may start. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The rig of the plan: a Miniscope-DAQ configuration with its scopes, cameras, commutator and programs. */
export class ChosenRig {
  readonly #options: ChosenRigOptions;
  readonly #boards = new Map<string, PracticeBoard>();
  #id: string | null = null;
  #rig: Rig | null = null;
  #problem: string | null = null;

  constructor(options: ChosenRigOptions) {
    this.#options = options;
  }

  /** The rig; null for one scope and nothing else, and for one that cannot be driven. */
  get rig(): Rig | null {
    return this.#problem === null ? this.#rig : null;
  }

  /** Lets something go wrong at the simulated board of a scope beside the first. @throws AppError `acquire.not_now`, `usage.invalid` */
  async practise(scope: string, act: string): Promise<void> {
    const board = [...this.#boards].find(([key]) => key.startsWith(`${scope}\n`))?.[1];
    if (board === undefined) throw new AppError('acquire.not_now', `There is no simulated scope “${scope}”.`);
    await board.act(act);
  }

  /** Takes a rig by its name; what is wrong with it is told by {@link ChosenRig.shown}. */
  async choose(id: string | null): Promise<void> {
    this.#id = id;
    this.#rig = null;
    this.#problem = null;
    if (id === null) return;
    try {
      const text = await this.#read(id);
      const rig = readRigJson(JSON.parse(text.replace(/^\uFEFF/, '')), id);
      if (rig.scopes.length === 0) throw new AppError('recording.bad_rig', 'It has no miniscope.');
      for (const { type } of rig.scopes) scopeType(readCatalogue(), type);
      this.#rig = rig;
    } catch (error) {
      this.#problem = error instanceof SyntaxError ? 'It is not JSON.' : AppError.from(error).message;
    }
  }

  /** Asked before a scope is opened. @throws AppError `recording.bad_rig` */
  refuseUnusable(): void {
    if (this.#problem === null) return;
    throw new AppError('recording.bad_rig', `The rig “${this.#id ?? ''}” cannot be driven: ${this.#problem}`, {
      hint: 'Mend it in Settings, or choose another rig.',
    });
  }

  /** As windows see it; null for one scope and nothing else. */
  shown(): AcquireRig | null {
    if (this.#id === null) return null;
    const rig = this.#rig;
    const allowed = this.#allowed();
    const programs = (['start', 'stop'] as const).flatMap((when) => {
      const program = when === 'start' ? rig?.onStart : rig?.onStop;
      if (program == null) return [];
      return [{ when, file: program.filePath, allowed: isListed(() => refuseUnlisted(program, allowed)) }];
    });
    return {
      id: this.#id,
      problem: this.#problem,
      simulated: rig?.isSimulated ?? false,
      scopes: (rig?.scopes ?? []).map(({ name, type }) => ({ name, type })),
      cameras: (rig?.cameras ?? []).map(({ name }) => name),
      commutator: rig?.commutator?.port ?? null,
      programs,
    };
  }

  /**
   * What is opened beside the first scope.
   *
   * @param boards the board of each scope by its name; a scope without one is told to have none
   */
  async companions(
    isSimulated: boolean,
    boards: Readonly<Record<string, string>>,
    others: readonly string[],
  ): Promise<CompanionRig | undefined> {
    const { rig } = this;
    const [first, ...rest] = rig?.scopes ?? [];
    if (rig === null || first === undefined) return undefined;
    const free = others.filter((id) => !Object.values(boards).includes(id));
    const scopes: CompanionRig['scopes'][number][] = [];
    for (const [n, scope] of rest.entries()) {
      const address = isSimulated
        ? await this.#practiceAddress(scope.name, scope.type, n + 1)
        : (boards[scope.name] ?? free.shift() ?? noBoard);
      scopes.push({ scope, address });
    }
    return { first: first.name, scopes, cameras: rig.cameras, commutator: rig.commutator };
  }

  /** Starts the rig's program for the begin or the end of a recording; it runs on by itself. */
  run(when: 'start' | 'stop', folder: string, tell: (text: string) => void): void {
    const program = when === 'start' ? this.rig?.onStart : this.rig?.onStop;
    if (program == null) return;
    try {
      startProgram(program, { folder, allowed: this.#allowed(), tell });
      tell(`${when === 'start' ? 'At the start' : 'At the end'}: ${program.filePath} was started.`);
    } catch (error) {
      tell(AppError.from(error).message);
    }
  }

  async close(): Promise<void> {
    for (const board of this.#boards.values()) await board.close();
    this.#boards.clear();
  }

  #allowed(): readonly string[] {
    return allowedPrograms(this.#options.env ?? process.env);
  }

  async #read(id: string): Promise<string> {
    const { readRig } = this.#options;
    if (readRig === undefined) throw new AppError('files.not_found', `There is no rig “${id}”.`);
    return await readRig(id);
  }

  async #practiceAddress(name: string, type: string, n: number): Promise<string> {
    const { logFolder, supervise, scene = { name: 'scope', seed: 1 } } = this.#options;
    const key = `${name}\n${type}`;
    const known = this.#boards.get(key);
    if (known !== undefined) return known.address;
    // Other tissue for each scope.
    const board = await startPracticeBoard(
      { logFolder, scopeType: type, scene: { name: scene.name, seed: scene.seed + n } },
      supervise,
    );
    this.#boards.set(key, board);
    return board.address;
  }
}

/** An address at which no board can be; opening it says so. */
const noBoard = '';

function isListed(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
