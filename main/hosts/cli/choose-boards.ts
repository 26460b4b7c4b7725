// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import { listDevices } from '../../devices/index.ts';
import type { Rig } from '../../recording/index.ts';

/** The address of each scope's board: those that were named, in order, or the only one. @throws AppError `device.not_found` with what mends it, `usage.invalid` */
export function boardsFor(rig: Rig, named: readonly string[], tell: (text: string) => void): readonly string[] {
  const { devices, unavailable } = listDevices();
  const boards = devices.filter(({ kind }) => kind === 'miniscope-daq');
  // The system's camera of a board, whatever the list says of it.
  const isCamera = (id: string): boolean => id.startsWith('v4l2:');
  const wanted = named.length > 0 ? named : boards.map(({ id }) => id);
  if (boards.length === 0 && !wanted.some(isCamera)) {
    throw new AppError('device.not_found', unavailable ?? 'No Miniscope DAQ board is connected.', {
      hint: 'Use --rig simulator to practise, or put "calyx": {"simulator": true} into the configuration.',
    });
  }
  if (wanted.length !== rig.scopes.length || (named.length === 0 && wanted.length > 1)) {
    throw new AppError(
      'usage.invalid',
      `The configuration has ${rig.scopes.length} miniscopes and ${boards.length} boards are connected: name one for each with --device.`,
      { hint: `Connected: ${boards.map(({ id }) => id).join(', ')}.` },
    );
  }
  return wanted.map((id) => {
    if (isCamera(id)) return id;
    const board = boards.find((candidate) => candidate.id === id);
    if (board === undefined) throw new AppError('device.not_found', `There is no board ${id}.`);
    if (board.problem !== null)
      throw new AppError('device.not_found', `${board.name}: ${board.problem.message}`, { hint: board.problem.fix });
    if (board.loss !== null) tell(`${board.name}: ${board.loss.message} ${board.loss.fix}\n`);
    return board.address;
  });
}
