// SPDX-License-Identifier: MIT
import type { StageName } from '../../../main/contract/index.ts';

/** The engine's stages in the words of a screen. */
export const stageTitles: Readonly<Record<StageName, string>> = {
  read: 'Read and check',
  motion: 'Motion',
  seeds: 'Seeds',
  init: 'First footprints',
  demix: 'Demix',
  deconvolve: 'Deconvolve',
  evaluate: 'Evaluate',
};

/** What each stage does, in one line. */
export const stageHelp: Readonly<Record<StageName, string>> = {
  read: 'decodes the films, counts frames',
  motion: 'registers each frame on the others',
  seeds: 'finds where single cells flicker',
  init: 'draws a first outline and trace of each cell',
  demix: 'separates cells, neighbours and background',
  deconvolve: 'finds events in each trace',
  evaluate: 'measures each cell and suggests',
};
