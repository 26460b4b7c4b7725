// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import {
  type Clock,
  type FaultName,
  Miniscope,
  openCamera,
  practiceScope,
  type PracticeScope,
  readCatalogue,
  type ScopeType,
  scopeType,
} from '../../devices/index.ts';
import { findFfmpeg } from '../../media/index.ts';
import { type Rig, type RigCameraOpen, type RigScope, type RigScopeOpen, ScopeFeed } from '../../recording/index.ts';

/** A scope of a rig on a simulated board of its own. */
export interface PracticeRigScope extends RigScopeOpen {
  readonly practice: PracticeScope;
  readonly scene: { readonly name: string; readonly seed: number };
  readonly type: ScopeType;
}

/** A rig that is open. */
export interface PracticeRig extends AsyncDisposable {
  readonly scopes: readonly PracticeRigScope[];
  readonly cameras: readonly RigCameraOpen[];
}

/** What opening a rig needs. */
export interface PracticeRigWorld {
  readonly clock: Clock;
  /** The tissue of the first scope; the others look at that of the next seeds. */
  readonly scene: { readonly name: string; readonly seed: number };
  /** Raised at the first scope before it is there. */
  readonly faults: readonly FaultName[];
  readonly said: (message: string) => void;
}

/** Opens every scope and camera of a simulated rig. @throws AppError `device.*`, `recording.bad_rig`, `media.ffmpeg_missing` */
export async function openPracticeRig(rig: Rig, world: PracticeRigWorld): Promise<PracticeRig> {
  await using opened = new AsyncDisposableStack();
  const scopes: PracticeRigScope[] = [];
  for (const [n, scope] of rig.scopes.entries()) {
    const open = await openScope(scope, n, rig.scopes.length, world, opened);
    scopes.push(open);
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
  scope: RigScope,
  n: number,
  of: number,
  { clock, scene: first, faults, said }: PracticeRigWorld,
  opened: AsyncDisposableStack,
): Promise<PracticeRigScope> {
  const type = scopeType(readCatalogue(), scope.type);
  const scene = { name: first.name, seed: first.seed + n };
  const practice = opened.use(practiceScope(type, clock, scene));
  const feed = new ScopeFeed();
  const miniscope = new Miniscope({
    type,
    clock,
    settings: scope.settings,
    open: async () => feed.opened(await practice.open()),
    onFrame: feed.onFrame,
    onEvent: (event) => {
      said(of === 1 ? event.message : `${scope.name}: ${event.message}`);
      feed.onEvent(event);
    },
  });
  opened.use(miniscope);
  if (n === 0) for (const name of faults) practice.fault(name);
  await miniscope.connect();
  return { scope, type, practice, scene, session: feed.session(miniscope), settings: miniscope.settings };
}
