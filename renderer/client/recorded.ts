// SPDX-License-Identifier: MIT
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { BesideCamera, RecordingIntegrity } from '../../main/contract/index.ts';
import { useCore } from './context.ts';
import { asFloat32, onePacket } from './streams.ts';
import type { CoreClient } from './types.ts';

/** How the picture moved over a run. */
export type Motion = Awaited<ReturnType<CoreClient['recorded']['motion']>>;

/** Enough for a wide window; each column is the least and the most of its frames. */
const columns = 1200;

/** Asked for when its panel is looked at. */
export function useMotion(runUuid: string, looked: boolean): UseQueryResult<Motion> {
  const core = useCore();
  return useQuery({
    queryKey: ['motion', runUuid],
    enabled: looked,
    queryFn: ({ signal }) => core.recorded.motion({ runUuid, columns }, { signal }),
  });
}

/** What each recording of a run holds and lacks. */
export function useIntegrity(runUuid: string, looked: boolean): UseQueryResult<RecordingIntegrity[]> {
  const core = useCore();
  return useQuery({
    queryKey: ['integrity', runUuid],
    enabled: looked,
    queryFn: ({ signal }) => core.recorded.integrity({ runUuid }, { signal }),
  });
}

/** Behaviour cameras that were recorded with a run. */
export function useCameras(runUuid: string, looked: boolean): UseQueryResult<BesideCamera[]> {
  const core = useCore();
  return useQuery({
    queryKey: ['cameras', runUuid],
    enabled: looked,
    queryFn: ({ signal }) => core.recorded.cameras({ runUuid }, { signal }),
  });
}

/** By frame of the run the camera's frame nearest in time, −1 where there is none. */
export function useCameraFrames(runUuid: string, camera: string | undefined): UseQueryResult<Int32Array> {
  const core = useCore();
  return useQuery({
    queryKey: ['camera-frames', runUuid, camera],
    enabled: camera !== undefined,
    queryFn: async ({ signal }) => {
      const { bytes } = await onePacket(core.recorded.cameraFrames({ runUuid, camera: camera ?? '' }, { signal }));
      return new Int32Array(bytes.slice().buffer);
    },
  });
}

/** Orientation of the head by frame of the run. */
export interface Head {
  /** w, x, y, z of each frame; NaN where it is not known. */
  readonly quaternions: Float32Array;
  /** Frames with one. */
  readonly known: number;
}

/** Where the head was turned to. */
export function useHead(runUuid: string, looked: boolean): UseQueryResult<Head> {
  const core = useCore();
  return useQuery({
    queryKey: ['head', runUuid],
    enabled: looked,
    queryFn: async ({ signal }) => {
      const { header, bytes } = await onePacket(core.recorded.head({ runUuid }, { signal }));
      return { quaternions: asFloat32(bytes), known: header.known };
    },
  });
}
