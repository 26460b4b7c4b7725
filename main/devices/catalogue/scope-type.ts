// SPDX-License-Identifier: MIT
import { z } from 'zod';

/**
 * A scope type as the catalogue's JSON files describe it. The shape is the one of the field's own catalogue (acquisition.md 3.1), so that entries which
 * scopes' makers publish can be pasted: numbers may be texts (`"0xC0"`, `"0b00000010"`, `"1"`), unknown keys are kept out of the way.
 */

/** A whole number, written as such or as decimal, hexadecimal or binary text. */
const Whole = z
  .union([z.number().int().min(0), z.string().regex(/^\s*(0x[\da-f]+|0b[01]+|\d+)\s*$/i)])
  .transform(Number);

/** Places in a command that a control's value fills: 8 bits of it each. */
export const valueTokens = ['value', 'valueL', 'valueH', 'valueH16', 'valueH24', 'value2L', 'value2H'] as const;
/** One of {@link valueTokens}. */
export type ValueToken = (typeof valueTokens)[number];

/** A byte of a command: fixed, or taken from the control's value. */
export type CommandByte = number | ValueToken;

const CommandByteText = z.union([z.enum(valueTokens), Whole.pipe(z.number().max(255))]);

/** A command, its bytes in order: address, register, data. */
export interface CommandTemplate {
  readonly description: string;
  readonly bytes: readonly CommandByte[];
}

const Command = z
  .looseObject({
    description: z.string().default(''),
    protocol: z.literal('I2C').default('I2C'),
    addressW: Whole.pipe(z.number().max(255)),
    regLength: Whole.pipe(z.number().max(5)).default(0),
    dataLength: Whole.pipe(z.number().max(5)).default(0),
  })
  .transform((raw, context): CommandTemplate => {
    const bytes: CommandByte[] = [raw.addressW];
    for (const [kind, count] of [
      ['reg', raw.regLength],
      ['data', raw.dataLength],
    ] as const) {
      for (let n = 0; n < count; n += 1) {
        const byte = CommandByteText.safeParse(raw[`${kind}${n}`]);
        if (byte.success) bytes.push(byte.data);
        else
          context.addIssue({ code: 'custom', path: [`${kind}${n}`], message: 'is no byte and no place for a value' });
      }
    }
    if (bytes.length > 6)
      context.addIssue({ code: 'custom', message: 'has more than the 6 bytes that fit into a command' });
    return { description: raw.description, bytes };
  });

/** A control with a few settings: gain, frame rate. */
const Choice = z
  .looseObject({
    displaySpinBoxValues: z.array(z.string()).min(1),
    displayTextValues: z.array(z.number()),
    outputValues: z.array(Whole),
    outputValues2: z.array(Whole).optional(),
    startValue: z.union([z.string(), z.number()]),
    sendCommand: z.array(Command).min(1),
  })
  .transform((raw, context) => {
    const { displaySpinBoxValues: labels, displayTextValues: numbers, outputValues, outputValues2 } = raw;
    const uneven = [numbers, outputValues, outputValues2 ?? outputValues].some((list) => list.length !== labels.length);
    if (uneven)
      context.addIssue({ code: 'custom', message: 'its lists of labels, numbers and values differ in length' });
    return {
      kind: 'choice' as const,
      options: labels.map((label, n) => ({
        label,
        number: numbers[n] ?? Number.NaN,
        value: outputValues[n] ?? 0,
        value2: outputValues2?.[n] ?? 0,
      })),
      start: raw.startValue,
      commands: raw.sendCommand,
    };
  });

/** A control with a range: an LED, the lens. */
const Range = z
  .looseObject({
    min: z.number(),
    max: z.number(),
    stepSize: z.number().positive().default(1),
    startValue: z.number(),
    displayValueScale: z.number().default(1),
    displayValueOffset: z.number().default(0),
    displayValueBitShift: z.number().int().min(0).max(24).default(0),
    sendCommand: z.array(Command).min(1),
  })
  .transform((raw) => ({
    kind: 'range' as const,
    min: raw.min,
    max: raw.max,
    step: raw.stepSize,
    scale: raw.displayValueScale,
    offset: raw.displayValueOffset,
    shift: raw.displayValueBitShift,
    start: raw.startValue,
    commands: raw.sendCommand,
  }));

/** What can be set on a scope. */
export type Control = z.output<typeof Choice> | z.output<typeof Range>;

/** A scope type without its name. */
export const ScopeEntry = z
  .looseObject({
    label: z.string().optional(),
    sensor: z.string().default(''),
    width: z.number().int().positive(),
    height: z.number().int().positive(),
    pixelClock: z.number().default(0),
    headOrientation: z.boolean().default(false),
    isColor: z.boolean().default(false),
    controlSettings: z.record(z.string(), z.union([Choice, Range])).default({}),
    initialize: z.array(Command).default([]),
    notes: z.array(z.string()).default([]),
  })
  .transform((raw) => ({
    label: raw.label ?? null,
    sensor: raw.sensor,
    width: raw.width,
    height: raw.height,
    pixelClockMHz: raw.pixelClock,
    hasOrientation: raw.headOrientation,
    isColour: raw.isColor,
    controls: raw.controlSettings as Readonly<Record<string, Control>>,
    initialise: raw.initialize,
    notes: raw.notes,
  }));

/** A scope type: what it is and how it is driven. */
export type ScopeType = z.output<typeof ScopeEntry> & {
  /** Its name in session folders (`deviceType`). */
  readonly type: string;
};
