// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { I2cPacket } from '../miniscope/i2c-packet.ts';
import type { CommandTemplate, Control, ScopeType, ValueToken } from './scope-type.ts';

/** A control's value as a person sets it: a label ("20FPS", "Low") or a number. */
export type Setting = string | number;

/** A setting with everything that follows from it. */
export interface Resolved {
  /** What session folders and screens say: the label of a choice, the number of a range. */
  readonly shown: Setting;
  /** The number behind it: 20 of "20FPS", 3.5 of "High". */
  readonly number: number;
  /** What is sent to the scope, in order. */
  readonly packets: readonly I2cPacket[];
}

/**
 * What a setting of a control sends. A choice takes its label or its number, whatever the case of letters; a range takes numbers inside it.
 *
 * @throws AppError `device.bad_setting` that says what is possible
 */
export function resolveSetting(type: ScopeType, name: string, setting: Setting): Resolved {
  const control = type.controls[name];
  if (control === undefined) {
    throw new AppError(
      'device.bad_setting',
      `${type.type} has no control “${name}”; it has: ${Object.keys(type.controls).join(', ')}.`,
    );
  }
  return control.kind === 'choice' ? ofChoice(control, name, setting) : ofRange(control, name, setting);
}

/** The setting a control begins with. */
export function startSetting(type: ScopeType, name: string): Setting | undefined {
  return type.controls[name]?.start;
}

/** The bytes of a command without values in it. */
export function fixedPacket(command: CommandTemplate): I2cPacket {
  return fill(command, 0, 0);
}

function ofChoice(control: Extract<Control, { kind: 'choice' }>, name: string, setting: Setting): Resolved {
  const text = String(setting).trim().toLowerCase();
  const option =
    control.options.find(({ label }) => label.toLowerCase() === text) ??
    control.options.find(({ number }) => text !== '' && number === Number(text));
  if (option === undefined) {
    const possible = control.options.map(({ label }) => label).join(', ');
    throw new AppError('device.bad_setting', `${name} cannot be “${String(setting)}”; possible are: ${possible}.`);
  }
  return {
    shown: option.label,
    number: option.number,
    packets: control.commands.map((command) => fill(command, option.value, option.value2)),
  };
}

function ofRange(control: Extract<Control, { kind: 'range' }>, name: string, setting: Setting): Resolved {
  const number = typeof setting === 'string' && setting.trim() === '' ? Number.NaN : Number(setting);
  if (!Number.isFinite(number) || number < control.min || number > control.max) {
    throw new AppError(
      'device.bad_setting',
      `${name} must lie between ${control.min} and ${control.max}; it is “${String(setting)}”.`,
    );
  }
  const value = Math.trunc(number * control.scale - control.offset) << control.shift;
  return { shown: number, number, packets: control.commands.map((command) => fill(command, value, 0)) };
}

const bits: Readonly<Record<ValueToken, (value: number, value2: number) => number>> = {
  value: (value) => value & 0xff,
  valueL: (value) => value & 0xff,
  valueH: (value) => (value >>> 8) & 0xff,
  valueH16: (value) => (value >>> 16) & 0xff,
  valueH24: (value) => (value >>> 24) & 0xff,
  value2L: (_value, value2) => value2 & 0xff,
  value2H: (_value, value2) => (value2 >>> 8) & 0xff,
};

function fill(command: CommandTemplate, value: number, value2: number): I2cPacket {
  return command.bytes.map((byte) => (typeof byte === 'number' ? byte : bits[byte](value, value2)));
}
