// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';

/** A behaviour camera as a rig names it. */
export interface CameraWish {
  readonly name: string;
  readonly deviceId: number;
  /** The camera's name as Windows lists it; needed there only. */
  readonly systemName: string | null;
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly frameRate: number;
  /** Films that are played at their rate instead of a camera. */
  readonly playback: { readonly folderPath: string; readonly filePrefix: string } | null;
  /** A moving test picture instead of a camera. */
  readonly isTest: boolean;
}

/** Frames as they come from the camera, each with its length before it. */
const asJpegs = ['-an', '-f', 'mpjpeg', '-flush_packets', '1', 'pipe:1'] as const;
/** JPEG of a source that gives none: hardly to be told from the picture. */
const encode = ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'] as const;
const testSize = { width: 640, height: 480 } as const;

/**
 * What ffmpeg is told to give a camera's pictures as JPEG. Cameras under Linux and Windows give JPEG themselves, which is passed through as it is; macOS gives pixels only.
 *
 * @param films absolute paths of the films of a playback, in order
 * @throws AppError `device.not_found` where a camera cannot be named
 */
export function cameraArguments(
  camera: CameraWish,
  platform: NodeJS.Platform,
  films: readonly string[] = [],
): readonly string[] {
  const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin'];
  const { frameRate, size } = camera;
  const rate = String(frameRate);
  const sized = size === null ? [] : ['-video_size', `${size.width}x${size.height}`];
  if (camera.isTest) {
    const { width, height } = size ?? testSize;
    const source = `testsrc2=size=${width}x${height}:rate=${rate}`;
    return [...quiet, '-re', '-f', 'lavfi', '-i', source, ...encode, ...asJpegs];
  }
  if (camera.playback !== null) {
    if (films.length === 0) {
      throw new AppError(
        'device.not_found',
        `${camera.name} is to play films, but there is none in ${camera.playback.folderPath}.`,
        {
          hint: `Films are named ${camera.playback.filePrefix}0.avi, ${camera.playback.filePrefix}1.avi …`,
        },
      );
    }
    const inputs = films.flatMap((film) => ['-re', '-i', film]);
    const joined =
      films.length === 1
        ? []
        : [
            '-filter_complex',
            `${films.map((_, n) => `[${n}:v:0]`).join('')}concat=n=${films.length}:v=1:a=0[all]`,
            '-map',
            '[all]',
          ];
    return [...quiet, ...inputs, ...joined, ...encode, ...asJpegs];
  }
  return [...quiet, ...inputOf(camera, platform, sized), ...asJpegs];
}

function inputOf(
  { name, deviceId, systemName, frameRate }: CameraWish,
  platform: NodeJS.Platform,
  sized: readonly string[],
): readonly string[] {
  const asked = ['-framerate', String(frameRate), ...sized];
  if (platform === 'darwin') return ['-f', 'avfoundation', ...asked, '-i', `${deviceId}:none`, ...encode];
  if (platform !== 'win32') {
    return ['-f', 'v4l2', '-input_format', 'mjpeg', ...asked, '-i', `/dev/video${deviceId}`, '-c:v', 'copy'];
  }
  if (systemName === null) {
    throw new AppError('device.not_found', `Windows knows cameras by name; ${name} has none in the rig.`, {
      hint: 'Add "systemName": "<the camera as Windows lists it>" to it.',
    });
  }
  const input = ['-f', 'dshow', '-vcodec', 'mjpeg', '-rtbufsize', '64M', ...asked];
  return [...input, '-i', `video=${systemName}`, '-c:v', 'copy'];
}
