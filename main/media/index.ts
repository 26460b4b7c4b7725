// SPDX-License-Identifier: MIT
/** Films as frames. See README.md. */
export { inspectAvi, repairAvi, type AviChecks, type AviRepair, type AviState } from './avi-repair.ts';
export { binding, fromNative } from './binding.ts';
export { startEditor } from './editor.ts';
export type { Editor } from './editor.ts';
export { findFfmpeg } from './ffmpeg.ts';
export { startFilm, type FilmOptions, type FilmStats, type FilmWriter, type WrittenFilm } from './film-writer.ts';
export { openScene, type Camera, type Scene } from './scene.ts';
export { createFramesHandlers, framesPath, startMedia } from './media.ts';
export type { FramesDependencies, Media, MediaOptions } from './media.ts';
export { probeFilm } from './probe.ts';
export { readStill, type Still } from './still.ts';
export { writeProxy, type ProxyJob } from './proxy.ts';
export { encodingFfmpeg, firstEncoder, startEncoder, type Encoder } from './encoder.ts';
export { openMovie, type Layer, type OpenMovie } from './movie.ts';
export type { FilmProbe } from './probe.ts';
export { type UpgradeRequest, upgradeRequestOf } from './socket.ts';
export type { Movie, MovieInput } from './tickets.ts';
