// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import {
  type BoardLink,
  type Clock,
  Commutator,
  type FaultName,
  Miniscope,
  openCamera,
  openLink,
  practiceScope,
  type PracticeScope,
  serialLine,
  type ScopeFrame,
  readCatalogue,
  type ScopeType,
  scopeType,
} from '../../devices/index.ts';
import { findFfmpeg } from '../../media/index.ts';
import { type Rig, type RigCameraOpen, type RigScope, type RigScopeOpen, ScopeFeed } from '../../recording/index.ts';

/** A scope of a rig, on a real board or on a simulated one of its own. */
export interface OpenRigScope extends RigScopeOpen {
  /** Null on a real board. */
  readonly practice: PracticeScope | null;
  readonly scene: { readonly name: string; readonly seed: number };
  readonly type: ScopeType;
}

/** A rig that is open. */
export interface OpenRig extends AsyncDisposable {
  readonly scopes: readonly OpenRigScope[];
  readonly cameras: readonly RigCameraOpen[];
}

/** What opening a rig needs. */
export interface RigWorld {
  readonly clock: Clock;
  /** The board of each scope by its address; null where all are simulated. */
  readonly boards: readonly string[] | null;
  /** The tissue of the first scope; the others look at that of the next seeds. */
  readonly scene: { readonly name: string; readonly seed: number };
  /** Raised at the first scope before it is there. */
  readonly faults: readonly FaultName[];
  readonly said: (message: string) => void;
}

/** Opens every scope and camera of a rig. @throws AppError `device.*`, `recording.bad_rig`, `media.ffmpeg_missing` */
export async function openRig(rig: Rig, world: RigWorld): Promise<OpenRig> {
  await using opened = new AsyncDisposableStack();
  const { commutator: section } = rig;
  const commutator =
    section === null
      ? undefined
      : opened.use(
          await Commutator.open({
            ...section,
            clock: world.clock,
            open: () => serialLine(section.port),
            tell: world.said,
          }),
        );
  const turning = section?.deviceName ?? rig.scopes[0]?.name;
  const scopes: OpenRigScope[] = [];
  for (const [n, scope] of rig.scopes.entries()) {
    const onFrame = ({ orientation }: ScopeFrame): void => {
      if (scope.name === turning) commutator?.take(orientation);
    };
    scopes.push(await openScope({ scope, n, of: rig.scopes.length, onFrame }, world, opened));
  }
  const cameras: RigCameraOpen[] = [];
  for (const wish of rig.cameras) {
    const ffmpeg = findFfmpeg();
    if (ffmpeg === undefined)
      throw new AppError('media.ffmpeg_missing', `Without ffmpeg the camera ${wish.name} cannot be read.`);
    const camera = await openCamera(wish, { clock: world.clock, ffmpeg });
    opened.use(camera);
    cameras.push({ wish, camera });
  }
  const kept = opened.move();
  return { scopes, cameras, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function openScope(
  {
    scope,
    n,
    of,
    onFrame,
  }: {
    readonly scope: RigScope;
    readonly n: number;
    readonly of: number;
    readonly onFrame: (frame: ScopeFrame) => void;
  },
  { clock, boards, scene: first, faults, said }: RigWorld,
  opened: AsyncDisposableStack,
): Promise<OpenRigScope> {
  const type = scopeType(readCatalogue(), scope.type);
  const scene = { name: first.name, seed: first.seed + n };
  const board = boards?.[n];
  const practice = board === undefined ? opened.use(practiceScope(type, clock, scene)) : null;
  const link = (): Promise<BoardLink> => practice?.open() ?? openLink(board ?? '');
  const feed = new ScopeFeed();
  const miniscope = withSettingsOf(
    scope,
    () =>
      new Miniscope({
        type,
        clock,
        settings: scope.settings,
        open: async () => feed.opened(await link()),
        onFrame: (frame) => {
          feed.onFrame(frame);
          onFrame(frame);
        },
        onEvent: (event) => {
          said(of === 1 ? event.message : `${scope.name}: ${event.message}`);
          feed.onEvent(event);
        },
      }),
  );
  opened.use(miniscope);
  if (n === 0) for (const name of faults) practice?.fault(name);
  await miniscope.connect();
  return { scope, type, practice, scene, session: feed.session(miniscope), settings: miniscope.settings };
}

/** A setting that the scope cannot have is wrong in the configuration. */
function withSettingsOf<T>({ name }: RigScope, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'device.bad_setting') throw error;
    throw new AppError('recording.bad_rig', `The configuration is wrong at ${name}: ${error.message}`, {
      cause: error,
    });
  }
}
