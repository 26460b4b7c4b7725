// SPDX-License-Identifier: MIT
import { queryOptions, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { AppError } from '../../main/contract/index.ts';
import type { CoreClient } from './types.ts';
import { footprintsPicture } from '../gl/contours.ts';
import { useLook, versionOf } from '../stores/look.ts';
import type { ImageName, MapImage } from '../stores/review.ts';
import { useCore } from './context.ts';
import { useEditsKey } from './edits.ts';
import { asFloat32, onePacket } from './streams.ts';

/** A picture of a run: `height × width` values, row-major. */
export interface Picture {
  readonly name: MapImage;
  readonly height: number;
  readonly width: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly values: Float32Array;
}

/** One picture that a run has written. */
export function usePicture(runUuid: string | null, image: ImageName): UseQueryResult<Picture> {
  return useQuery(pictureQuery(useCore(), runUuid, image));
}

/** What lies under the outlines: a picture of the run, or its footprints as they are after all edits. */
export function useMapPicture(runUuid: string, image: MapImage): UseQueryResult<Picture> {
  const core = useCore();
  const edits = useEditsKey(runUuid);
  const shown = versionOf(useLook(runUuid));
  return useQuery<Picture>(
    image === 'footprints'
      ? {
          queryKey: ['picture', runUuid, image, edits],
          queryFn: async ({ signal }): Promise<Picture> => {
            const { header, bytes } = await onePacket(core.review.footprints({ runUuid, ...shown }, { signal }));
            const { height, width, cells } = header;
            const values = footprintsPicture(cells, bytes, { height, width });
            return { name: image, height, width, minimum: 0, maximum: 1, values };
          },
        }
      : pictureQuery(core, runUuid, image),
  );
}

function pictureQuery(core: CoreClient, runUuid: string | null, image: ImageName) {
  return queryOptions<Picture>({
    queryKey: ['picture', runUuid, image],
    enabled: runUuid !== null,
    queryFn: async ({ signal }): Promise<Picture> => {
      const { header, bytes } = await onePacket(core.review.image({ runUuid: runUuid ?? '', image }, { signal }));
      const values = asFloat32(bytes);
      if (values.length !== header.height * header.width) {
        throw new AppError(
          'rpc.invalid_output',
          `The picture has ${String(values.length)} values, not ${String(header.height)} × ${String(header.width)}.`,
        );
      }
      return { ...header, name: image, values };
    },
  });
}
