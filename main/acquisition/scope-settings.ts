// SPDX-License-Identifier: MIT
import { type Resolved, resolveSetting, type ScopeType, type Setting } from '../devices/index.ts';
import { controlLabel, isLight } from './controls.ts';

/** What takes a control's value. */
export type SetControl = (control: string, value: Setting) => Promise<unknown>;

/** A scope's settings as a person made them, and its light, which is off between recordings without its value being forgotten. */
export class ScopeSettings {
  readonly #type: ScopeType;
  readonly #wanted: Map<string, Resolved>;
  #lightOff = false;

  constructor(type: ScopeType, settings: ReadonlyMap<string, Resolved>) {
    this.#type = type;
    this.#wanted = new Map(settings);
  }

  /** By control, whether the light is on or not. */
  get wanted(): ReadonlyMap<string, Resolved> {
    return this.#wanted;
  }

  get lightOff(): boolean {
    return this.#lightOff;
  }

  /** A control's value as it should be now. */
  readonly shown = (control: string): Setting =>
    isLight(control) && this.#lightOff ? 0 : (this.#wanted.get(control)?.shown ?? 0);

  /**
   * Sets a control; a light that is off stays so and takes its value later.
   *
   * @returns how it is, and in words how that differs from how it was; null when it does not
   * @throws AppError `device.bad_setting`, `device.no_answer`
   */
  async set(
    control: string,
    value: Setting,
    send: SetControl,
  ): Promise<{ readonly shown: Setting; readonly changed: string | null }> {
    const before = this.#wanted.get(control)?.shown;
    const resolved = resolveSetting(this.#type, control, value);
    this.#wanted.set(control, resolved);
    if (!(isLight(control) && this.#lightOff)) await send(control, value);
    const { shown } = resolved;
    const changed = before === shown ? null : `${controlLabel(control)} ${String(before ?? '–')} → ${String(shown)}`;
    return { shown, changed };
  }

  /** Light off without forgetting its value, and on again: no setting of the person. @throws what `send` throws */
  async light(on: boolean, send: SetControl): Promise<void> {
    this.#lightOff = !on;
    for (const [name, { shown }] of this.#wanted) if (isLight(name)) await send(name, on ? shown : 0);
  }
}
