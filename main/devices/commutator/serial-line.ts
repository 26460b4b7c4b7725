// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { CommutatorLine } from './commutator.ts';

const baudRate = 115_200;

/** Opens a serial port, 115200 8N1. @throws AppError `device.not_found` naming the ports there are */
export async function serialLine(port: string): Promise<CommutatorLine> {
  // Loaded when it is used: most machines have no commutator.
  const { SerialPort } = await import('serialport');
  const serial = new SerialPort({ path: port, baudRate, autoOpen: false });
  try {
    await new Promise<void>((resolve, reject) => {
      serial.open((error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
  } catch (cause) {
    const there = (await SerialPort.list().catch(() => [])).map(({ path }) => path);
    throw new AppError('device.not_found', `The commutator's port ${port} cannot be opened.`, {
      hint: there.length === 0 ? 'This computer has no serial port now.' : `Ports: ${there.join(', ')}.`,
      cause,
    });
  }
  let onLine: (line: string) => void = () => undefined;
  let rest = '';
  serial.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = (lines.pop() ?? '').slice(-1000);
    for (const line of lines) onLine(line.trim());
  });
  // Also told by `close`; without a listener it would end the process.
  serial.on('error', () => undefined);
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        serial.write(text, (error) => {
          if (error !== null && error !== undefined) reject(error);
          else serial.drain((late) => (late === null || late === undefined ? resolve() : reject(late)));
        });
      }),
    follow: (handler) => {
      onLine = handler;
    },
    closed: new Promise((resolve) => {
      serial.on('close', () => resolve());
    }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        if (serial.isOpen) serial.close(() => resolve());
        else resolve();
      }),
  };
}
