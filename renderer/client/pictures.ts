// SPDX-License-Identifier: MIT
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { AppError } from '../../main/contract/index.ts';
import type { ImageName } from '../stores/review.ts';
import { useCore } from './context.ts';
import { asFloat32, onePacket } from './streams.ts';

/** A picture of a run: `height × width` values, row-major. */
export interface Picture {
  readonly name: ImageName;
  readonly height: number;
  readonly width: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly values: Float32Array;
}

/** One picture of a run. */
export function usePicture(runUuid: string | null, image: ImageName): UseQueryResult<Picture> {
  const core = useCore();
  return useQuery({
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
