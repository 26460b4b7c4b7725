// SPDX-License-Identifier: MIT
import { type CommandTemplate, type Control, fixedPacket, resolveSetting, type ScopeType } from '../catalogue/index.ts';
import type { I2cPacket } from '../miniscope/i2c-packet.ts';

/** What a scope does at the moment, as far as the picture shows it. */
export interface ScopeState {
  /** Number of each control: LED in its own unit, gain, frames a second, focus. */
  readonly values: Readonly<Record<string, number>>;
  /** The lens driver is on; without it the focus stays where it is at rest. */
  readonly lensOn: boolean;
  /** The orientation sensor works in the mode that gives quaternions. */
  readonly orientationOn: boolean;
}

/** Settings a Miniscope V4's controller begins with; the LED is off (acquisition.md 3.7). */
const bootSettings: Readonly<Record<string, string>> = { gain: 'Medium', frameRate: '30FPS' };

/** Address, register and value that switch the orientation sensor to fusion. */
const orientationMode: I2cPacket = [0x50, 0x3d, 0x0c];

/**
 * The chips of a scope behind the link, of any type of the catalogue: they understand what the catalogue says of it, and keep every register that was
 * written.
 */
export class ScopeModel {
  readonly type: ScopeType;
  readonly #registers = new Map<string, readonly number[]>();
  readonly #values = new Map<string, number[]>();
  #lensOn = false;
  #orientationOn = false;

  constructor(type: ScopeType) {
    this.type = type;
    this.reset();
  }

  /** Power came back: everything is as the scope begins. */
  reset(): void {
    this.#registers.clear();
    this.#values.clear();
    this.#lensOn = !this.type.initialise.some((command) => this.#isLensDriver(command));
    this.#orientationOn = false;
    for (const [name, control] of Object.entries(this.type.controls)) {
      this.#values.set(
        name,
        control.commands.map(() => this.#bootNumber(name, control)),
      );
    }
  }

  get state(): ScopeState {
    const values = [...this.#values].map(([name, numbers]) => [name, Math.min(...numbers)] as const);
    return { values: Object.fromEntries(values), lensOn: this.#lensOn, orientationOn: this.#orientationOn };
  }

  /** Data last written to a register of the chip at an address; undefined when nothing was. */
  register(address: number, register: number): readonly number[] | undefined {
    return this.#registers.get(`${address} ${register}`);
  }

  /** Takes a packet that has come over the link. */
  write(packet: I2cPacket): void {
    const [address = 0, register = 0, ...data] = packet;
    this.#registers.set(`${address} ${register}`, data);
    if (same(packet, orientationMode)) this.#orientationOn = true;
    if (this.type.initialise.some((command) => this.#isLensDriver(command) && same(packet, fixedPacket(command)))) {
      this.#lensOn = true;
    }
    for (const [name, control] of Object.entries(this.type.controls)) {
      control.commands.forEach((command, n) => {
        const number = numberIn(control, command, packet);
        const numbers = this.#values.get(name);
        if (number !== undefined && numbers !== undefined) numbers[n] = number;
      });
    }
  }

  #isLensDriver(command: CommandTemplate): boolean {
    return command.bytes[0] === this.type.controls['ewl']?.commands[0]?.bytes[0];
  }

  #bootNumber(name: string, control: Control): number {
    if (name.startsWith('led')) return 0;
    if (control.kind === 'range') return 0;
    const boot = bootSettings[name];
    const isKnown = boot !== undefined && control.options.some(({ label }) => label === boot);
    return resolveSetting(this.type, name, isKnown ? boot : control.start).number;
  }
}

const same = (a: I2cPacket, b: I2cPacket): boolean => a.length === b.length && a.every((byte, n) => byte === b[n]);

/** The number of a control that a packet sets by one of the control's commands; undefined for another packet or a value the control does not have. */
function numberIn(control: Control, command: CommandTemplate, packet: I2cPacket): number | undefined {
  const parts = valuesIn(command, packet);
  if (parts === undefined) return undefined;
  if (control.kind === 'range') return ((parts.value >> control.shift) + control.offset) / control.scale;
  return control.options.find(
    ({ value, value2 }) => matches(value, parts.value, parts.mask) && matches(value2, parts.value2, parts.mask2),
  )?.number;
}

const matches = (value: number, seen: number, mask: number): boolean => (value & mask) >>> 0 === seen >>> 0;

interface Seen {
  value: number;
  mask: number;
  value2: number;
  mask2: number;
}

const shifts = { value: 0, valueL: 0, valueH: 8, valueH16: 16, valueH24: 24, value2L: 0, value2H: 8 } as const;

/** The bits of a control's values that a packet carries, if it has the command's fixed bytes. */
function valuesIn({ bytes }: CommandTemplate, packet: I2cPacket): Seen | undefined {
  if (packet.length !== bytes.length) return undefined;
  const seen: Seen = { value: 0, mask: 0, value2: 0, mask2: 0 };
  for (const [n, byte] of bytes.entries()) {
    const got = packet[n] ?? 0;
    if (typeof byte === 'number') {
      if (byte !== got) return undefined;
      continue;
    }
    const shift = shifts[byte];
    if (byte.startsWith('value2')) {
      seen.value2 |= got << shift;
      seen.mask2 |= 0xff << shift;
    } else {
      seen.value |= got << shift;
      seen.mask |= 0xff << shift;
    }
  }
  return seen;
}
