// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query, stream, subscription } from '../define.ts';
import { FolderRef, Uuid } from '../types.ts';

/** What the instrument does. Only `recording` writes frames; it is never told before the recorder has said so itself. */
export const acquireModes = ['idle', 'connecting', 'preview', 'armed', 'recording', 'finishing', 'report'] as const;
export const AcquireMode = z.enum(acquireModes);
export type AcquireMode = z.infer<typeof AcquireMode>;

export const AcquireDevice = z.object({
  /** `simulator`, or `usb-` and the port. */
  id: z.string(),
  name: z.string(),
  simulated: z.boolean(),
  problem: z.object({ message: z.string(), fix: z.string() }).nullable(),
  /** What it can be used without, and what mends that; left out when nothing is lost. */
  loss: z.object({ message: z.string(), fix: z.string() }).optional(),
  /** The type of scope that was last on this USB port, or the usual one: a board does not tell what hangs on it. */
  scopeType: z.string(),
});
export type AcquireDevice = z.infer<typeof AcquireDevice>;

/** A type of scope that can be driven. */
export const AcquireScopeType = z.object({
  type: z.string(),
  label: z.string(),
  width: z.number().int(),
  height: z.number().int(),
});
export type AcquireScopeType = z.infer<typeof AcquireScopeType>;

const Setting = z.union([z.string(), z.number()]);

/** A control of the scope and its value, which stands whether the light is on or off. */
export const AcquireControl = z.object({
  name: z.string(),
  label: z.string(),
  unit: z.string(),
  kind: z.enum(['range', 'choice']),
  min: z.number(),
  max: z.number(),
  step: z.number(),
  options: z.array(z.string()),
  shown: Setting,
  number: z.number(),
});
export type AcquireControl = z.infer<typeof AcquireControl>;

/** What is to be recorded: fills the folder's names. */
export const AcquirePlan = z.object({
  researcher: z.string().trim().max(80),
  experiment: z.string().trim().max(80),
  animal: z.string().trim().max(80),
  /** Below one of the roots offered by `files.roots`; made when it is not there. */
  folder: FolderRef,
  /** Seconds of one recording; null: until it is stopped. */
  lengthS: z
    .number()
    .positive()
    .max(7 * 86_400)
    .nullable(),
  compression: z.enum(['FFV1', 'GREY']),
  /** By hand, or by the edges of the board's trigger input: rising starts, falling stops. */
  startBy: z.enum(['hand', 'trigger']),
  /** So many recordings, one each `everyS` seconds from start to start; both need `lengthS`. */
  segments: z.object({ count: z.number().int().min(1).max(500), everyS: z.number().positive() }),
  /** Names of the quick markers 1 … 9. */
  markers: z.array(z.string().trim().max(40)).max(9),
  /** Each recording is queued for processing with this preset of parameters when it has ended; null: not by itself. */
  processWith: z.string().max(80).nullable(),
  /** The rig of this user that is driven, by name; null: one scope and nothing else. */
  rig: z.string().max(80).nullable(),
});
export type AcquirePlan = z.infer<typeof AcquirePlan>;

export const AcquireMark = z.object({
  timeS: z.number(),
  kind: z.enum(['note', 'setting', 'warning']),
  text: z.string(),
});
export type AcquireMark = z.infer<typeof AcquireMark>;

export const AcquireMessage = z.object({
  id: z.number().int(),
  /** Milliseconds since 1970 of the newest occurrence. */
  at: z.number(),
  severity: z.enum(['info', 'warning', 'error']),
  text: z.string(),
  count: z.number().int(),
});
export type AcquireMessage = z.infer<typeof AcquireMessage>;

/** Live measures of the picture; null while unknown. */
export const AcquireQuality = z.object({
  /** 0 (flat) to 1: how much fine structure the picture has for its brightness. */
  focus: z.number().nullable(),
  /** Share of pixels at the highest grey level. */
  saturated: z.number().nullable(),
  meanGrey: z.number().nullable(),
  /** Displacement of the content since the first picture, px. */
  driftPx: z.number().nullable(),
  /** Change of the mean grey level by a straight line, as a share in ten minutes; begins anew with each change of a setting. */
  bleachingPer10Min: z.number().nullable(),
  advice: z.array(z.object({ severity: z.enum(['info', 'warning']), text: z.string() })),
});
export type AcquireQuality = z.infer<typeof AcquireQuality>;

const Trouble = z.object({ text: z.string(), next: z.string() });

/** A scope of the rig beside the first one. */
export const AcquireScope = z.object({
  name: z.string(),
  type: z.string(),
  width: z.number().int(),
  height: z.number().int(),
  controls: z.array(AcquireControl),
  /** Why it has no picture; null while frames come. */
  trouble: Trouble.nullable(),
  fps: z.number().nullable(),
  /** By the board's counter, since the recording's start, else since it was connected. */
  dropped: z.number().int().nullable(),
  counterAdvances: z.boolean(),
  bufferWorst: z.number(),
  /** It has an orientation sensor. */
  orientation: z.boolean(),
  /** What runs on its board, in words; null before the first frame. */
  firmware: z.string().nullable(),
  quality: AcquireQuality,
  /** While it is recorded. */
  saved: z.number().int().nullable(),
});
export type AcquireScope = z.infer<typeof AcquireScope>;

/** A behaviour camera of the rig. */
export const AcquireCamera = z.object({
  name: z.string(),
  /** Null before its first picture. */
  size: z.object({ width: z.number().int(), height: z.number().int() }).nullable(),
  wantedFps: z.number(),
  fps: z.number().nullable(),
  trouble: Trouble.nullable(),
  saved: z.number().int().nullable(),
});
export type AcquireCamera = z.infer<typeof AcquireCamera>;

/** What the rig has beside the first scope. */
export const AcquireCompanions = z.object({
  scopes: z.array(AcquireScope),
  cameras: z.array(AcquireCamera),
  commutator: z
    .object({
      port: z.string(),
      /** All turns it was told to make since the rig was connected. */
      turns: z.number(),
      trouble: Trouble.nullable(),
      /** What it has said last. */
      text: z.string().nullable(),
    })
    .nullable(),
});
export type AcquireCompanions = z.infer<typeof AcquireCompanions>;

/** A rig as it is chosen: a Miniscope-DAQ configuration, read. */
export const AcquireRig = z.object({
  id: z.string(),
  /** Why it cannot be driven; null when it can. */
  problem: z.string().nullable(),
  simulated: z.boolean(),
  scopes: z.array(z.object({ name: z.string(), type: z.string() })),
  cameras: z.array(z.string()),
  commutator: z.string().nullable(),
  /** Programs it wants to start; those that are not on this machine's list are refused. */
  programs: z.array(z.object({ when: z.enum(['start', 'stop']), file: z.string(), allowed: z.boolean() })),
});
export type AcquireRig = z.infer<typeof AcquireRig>;

export const AcquireStatus = z.object({
  mode: AcquireMode,
  device: z
    .object({
      id: z.string(),
      name: z.string(),
      type: z.string(),
      width: z.number().int(),
      height: z.number().int(),
      simulated: z.boolean(),
      orientation: z.boolean(),
    })
    .nullable(),
  /** Which step of how many while connecting. */
  connecting: z.object({ step: z.number().int(), steps: z.number().int(), text: z.string() }).nullable(),
  controls: z.array(AcquireControl),
  /** The light is off although its control has a value: between recordings and while a trigger is waited for. */
  lightOff: z.boolean(),
  /** Why the picture stands still; null while frames come. */
  trouble: Trouble.nullable(),
  /** The name of the first scope in the rig. */
  scopeName: z.string(),
  companions: AcquireCompanions,
  /** Level at the board's trigger input; null while nobody waits for it, and when it cannot be read. */
  trigger: z.boolean().nullable(),
  /** The rig of the plan; null for one scope and nothing else. */
  rig: AcquireRig.nullable(),
  /** One-second mean; null without frames. */
  fps: z.number().nullable(),
  /** By the board's counter, since the recording's start, else since the scope was connected; null when it could not be read. */
  dropped: z.number().int().nullable(),
  /** Fullest the recorder's buffer was in the last ten seconds, 0 to 1. */
  bufferWorst: z.number(),
  disk: z
    .object({
      freeBytes: z.number(),
      /** How long a recording with these settings fits, h. */
      hoursLeft: z.number().nullable(),
    })
    .nullable(),
  recording: z
    .object({
      /** The folder below the data folder. */
      folder: z.string(),
      startedAt: z.string(),
      seconds: z.number(),
      lengthS: z.number().nullable(),
      saved: z.number().int(),
      missing: z.number().int().nullable(),
      /** The process that records has said so within the last two seconds, and frames are being saved. */
      confirmed: z.boolean(),
      doubt: z.string().nullable(),
      segment: z.object({ number: z.number().int(), of: z.number().int() }),
      marks: z.array(AcquireMark),
    })
    .nullable(),
  /** Seconds until the next of several recordings begins. */
  nextInS: z.number().nullable(),
  quality: AcquireQuality,
  messages: z.array(AcquireMessage),
  plan: AcquirePlan,
  /** The folder as the next recording would make it, below the data folder. */
  folderPreview: z.string(),
  /** Changes with each report. */
  reportId: z.number().int().nullable(),
  /** Which plane of a stack is being taken; only while one is. */
  stack: z.object({ plane: z.number().int(), planes: z.number().int() }).optional(),
});
export type AcquireStatus = z.infer<typeof AcquireStatus>;

export const AcquireCheck = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(['ok', 'look', 'fix']),
  text: z.string(),
  /** The one button of the line. */
  action: z.object({ label: z.string(), does: z.enum(['form', 'light', 'again', 'grey', 'shorten']) }).nullable(),
});
export type AcquireCheck = z.infer<typeof AcquireCheck>;

const Series = z.object({ timeS: z.array(z.number()), mean: z.array(z.number()), saturated: z.array(z.number()) });

/** What a recording holds and lacks of one scope. */
export const AcquireScopeReport = z.object({
  device: z.string(),
  startedAt: z.string(),
  durationS: z.number(),
  saved: z.number().int(),
  expected: z.number().int().nullable(),
  /** Null when unknown: the counter could not be read, or the board began to count anew. */
  missing: z.number().int().nullable(),
  /** Missing for certain, whatever else is unknown. */
  knownMissing: z.number().int(),
  gaps: z.array(
    z.object({
      afterFrame: z.number().int(),
      frames: z.number().int(),
      timeS: z.number(),
      where: z.enum(['link', 'disk']),
    }),
  ),
  /** Times for which the board's counter says nothing, from the frame before to the frame after. */
  interruptions: z.array(z.object({ afterFrame: z.number().int(), timeS: z.number(), seconds: z.number() })),
  /** Orientations that came disturbed. */
  badOrientations: z.number().int(),
  /** Saved frames without a picture. */
  blackFrames: z.number().int(),
  /** Saved frames whose counter could not be read. */
  unreadCounters: z.number().int(),
  counterRestarts: z.number().int(),
  corrupt: z.object({ short: z.number().int(), unended: z.number().int(), badHeaders: z.number().int() }),
  longestIntervalMs: z.number().nullable(),
  usualIntervalMs: z.number().nullable(),
  jitterMs: z.number().nullable(),
  meanGrey: z.number().nullable(),
  saturatedShare: z.number().nullable(),
  bufferHighWater: z.number().int(),
  /** What could not be written. */
  failure: z.string().nullable(),
  /** Why it ended before somebody asked for it. */
  stopped: z.string().nullable(),
  files: z.array(z.object({ name: z.string(), frames: z.number().int(), bytes: z.number(), sha256: z.string() })),
  marks: z.array(AcquireMark),
  /** One point a second. */
  series: Series,
  /** Intervals between frames: counts of bins `binMs` wide from `firstMs`. */
  intervals: z.object({ firstMs: z.number(), binMs: z.number(), counts: z.array(z.number().int()) }),
  settings: z.array(z.object({ label: z.string(), shown: z.string() })),
});
export type AcquireScopeReport = z.infer<typeof AcquireScopeReport>;

/** What a recording holds of a behaviour camera; it has no counter, so what was lost before it came here is unknown. */
export const AcquireCameraReport = z.object({
  device: z.string(),
  saved: z.number().int(),
  /** Pictures that came and had no room. */
  unsaved: z.number().int(),
  longestIntervalMs: z.number().nullable(),
  usualIntervalMs: z.number().nullable(),
  failure: z.string().nullable(),
  stopped: z.string().nullable(),
  files: z.array(z.object({ name: z.string(), frames: z.number().int(), bytes: z.number(), sha256: z.string() })),
});
export type AcquireCameraReport = z.infer<typeof AcquireCameraReport>;

/** The report of a recording: of its first scope, of the others, of its cameras. */
export const AcquireReport = AcquireScopeReport.extend({
  id: z.number().int(),
  /** In the library; null when it could not be linked, `importProblem` says why. */
  sessionUuid: Uuid.nullable(),
  importProblem: z.string().nullable(),
  /** Runs that were queued for it, of which scopes, and with what preset the last of them; null before. */
  queued: z.object({ preset: z.string(), runUuids: z.array(Uuid), devices: z.array(z.string()) }).nullable(),
  folder: z.string(),
  others: z.array(AcquireScopeReport),
  cameras: z.array(AcquireCameraReport),
});
export type AcquireReport = z.infer<typeof AcquireReport>;

/** A square of pixels whose mean is followed. */
export const AcquireRoi = z.object({
  x: z.number().int().min(0),
  y: z.number().int().min(0),
  width: z.number().int().min(1),
  height: z.number().int().min(1),
});
export type AcquireRoi = z.infer<typeof AcquireRoi>;

/** A stack of pictures at settings of the lens, from one end to the other. */
export const AcquireStack = z.object({
  from: z.number(),
  to: z.number(),
  step: z.number().positive(),
  /** So many frames are averaged for a page. */
  frames: z.number().int().min(1).max(1000),
});
export type AcquireStack = z.infer<typeof AcquireStack>;

const nothing = z.object({});
const done = z.object({});

/** Recording from a scope. The procedures marked `remote` can be called by other programs that were given the remote token. */
export const acquireApi = defineApi('acquire', {
  devices: query(nothing, z.array(AcquireDevice), { doc: 'Boards that are connected, and the simulated one.' }),
  watchDevices: subscription(nothing, z.array(AcquireDevice), {
    doc: 'The same now and after each change: a board plugged in or pulled, a permission given, a camera let go by another program.',
  }),
  cameras: query(nothing, z.object({ names: z.array(z.string()).nullable() }), {
    doc: 'Video devices that the system shows, by name; null where it keeps no list.',
  }),
  scopeTypes: query(nothing, z.array(AcquireScopeType), { doc: 'The types of scope that can be driven.' }),
  identify: command(z.object({ deviceId: z.string(), scopeType: z.string().optional() }), done, {
    doc: 'Blinks the LED of a board three times and leaves it as it was; never while it records or waits for a trigger.',
  }),
  status: subscription(nothing, AcquireStatus, {
    doc: 'What the instrument does, at least four times a second while a scope is connected.',
    remote: true,
  }),
  connect: command(
    z.object({
      deviceId: z.string(),
      scopeType: z.string().optional(),
      /** Boards of the rig's other scopes by their names; in the order of the ports where it is left out. */
      boards: z.record(z.string(), z.string()).optional(),
    }),
    done,
    {
      doc: 'Opens a board and sets its scope up, with everything else that the rig has; the type of scope is remembered for the USB port.',
    },
  ),
  disconnect: command(nothing, done, { doc: 'Light off, then the board is let go; not while recording.' }),
  set: command(
    z.object({ control: z.string(), value: Setting, scope: z.string().optional() }),
    z.object({ shown: Setting }),
    { doc: 'Sets a control of the scope, or of another one of the rig; noted in a recording under way.' },
  ),
  rois: command(z.object({ rois: z.array(AcquireRoi).max(32), scope: z.string().optional() }), done, {
    doc: 'Regions of the scope, or of another one of the rig, whose mean is followed live.',
  }),
  rigText: query(nothing, z.object({ name: z.string(), text: z.string() }), {
    doc: 'The rig as it is driven now, with the values of its scopes, as a Miniscope-DAQ configuration.',
  }),
  plan: command(z.object({ change: AcquirePlan.partial() }), AcquirePlan, {
    doc: 'What is to be recorded, and where.',
  }),
  preflight: command(nothing, z.array(AcquireCheck), {
    doc: 'Checks everything a recording needs, the worst first; writes a small file to measure the disk.',
  }),
  start: command(nothing, z.object({ folder: z.string() }), {
    doc: 'Starts to record, or waits for the trigger where the plan says so.',
    remote: true,
  }),
  stop: command(nothing, done, { doc: 'Ends the recording, or the wait for a trigger.', remote: true }),
  note: command(z.object({ text: z.string().trim().min(1).max(500) }), done, {
    doc: 'Writes a note with its time into the recording.',
    remote: true,
  }),
  screenshot: command(z.object({ scope: z.string().optional() }), z.object({ file: z.string() }), {
    doc: 'Saves the newest frame of the scope, or of another one of the rig, as it came into `imageCaptures` of the data folder.',
  }),
  stack: command(
    AcquireStack.extend({ scope: z.string().optional() }),
    z.object({ file: z.string(), planes: z.number().int() }),
    {
      doc: 'Takes a stack of pictures through the depth that the lens of the scope, or of another one of the rig, reaches, as a TIFF in `imageCaptures` of the data folder; not while recording. Its progress is in the status.',
    },
  ),
  report: query(nothing, AcquireReport.nullable(), { doc: 'What the last recording holds and lacks.' }),
  process: command(
    z.object({
      preset: z.string().max(80),
      /** Scopes of the recording by their names; all of them where it is left out. */
      devices: z.array(z.string()).min(1).optional(),
    }),
    z.object({ runUuids: z.array(Uuid) }),
    {
      doc: 'Queues processing of the recording of the report with a preset, a run each scope; runs wait while a scope records.',
    },
  ),
  again: command(nothing, done, { doc: 'From the report back to the live picture; the light comes on again.' }),
  practise: command(z.object({ act: z.string(), scope: z.string().optional() }), done, {
    doc: 'Lets something go wrong on the simulated board, or changes its trigger input.',
  }),
  remote: command(
    z.object({ on: z.boolean().optional() }),
    z.object({ on: z.boolean(), address: z.string().nullable(), token: z.string().nullable() }),
    { doc: 'Remote control by other programs of this machine: off until somebody switches it on.' },
  ),
  ticket: query(nothing, z.object({ ticket: z.string(), path: z.string() }), {
    doc: 'A single-use ticket for the socket of the process that has the live picture.',
  }),
});

/** Spoken on the capture process's own socket. */
export const liveApi = defineApi('live', {
  pictures: stream(
    z.object({ camera: z.string() }),
    z.object({
      /** Pictures since the camera was opened. */
      number: z.number().int(),
      arrivedAt: z.number(),
    }),
    z.never(),
    { doc: 'The newest picture of a behaviour camera as a JPEG file, whenever the caller is ready for one.' },
  ),
  frames: stream(
    z.object({
      /** Another scope of the rig; the first one when it is left out. */
      scope: z.string().optional(),
    }),
    z.object({
      width: z.number().int(),
      height: z.number().int(),
      /** Frames since the scope was connected. */
      number: z.number().int(),
      counter: z.number().int().nullable(),
      /** Milliseconds since 1970 at which its last payload came. */
      arrivedAt: z.number(),
      meanGrey: z.number(),
      saturated: z.number(),
      /** 64 bins of four grey levels. */
      histogram: z.array(z.number().int()),
      orientation: z.object({ w: z.number(), x: z.number(), y: z.number(), z: z.number() }).nullable(),
      /** Of each frame since the packet before, this one included: seconds since the scope was connected, and the mean of each region. */
      samples: z.array(z.object({ timeS: z.number(), values: z.array(z.number()) })),
      /** Changes when regions are added or removed. */
      roisId: z.number().int(),
    }),
    z.never(),
    { doc: 'The newest frame as H × W bytes, whenever the caller is ready for one.' },
  ),
});
