// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { BoardLink } from '../board-link.ts';
import type { Clock } from '../clock.ts';
import { FrameAssembler, type AssemblyCounts } from '../miniscope/frame-assembler.ts';
import { request, unit, type Selector } from '../miniscope/uvc.ts';
import { u16 } from './bytes.ts';
import { frameSizes } from './descriptors.ts';
import type { ScopeState } from './scope-model.ts';
import type { Setup, SimulatedUsbDevice } from './usb-device.ts';

/** What the simulated scope looks at: fills `out` (`width × height`, luma) with frame number `frame` as the scope is set. */
export type Picture = (frame: number, state: ScopeState, out: Uint8Array) => void;

interface Options {
  readonly usb: SimulatedUsbDevice;
  readonly picture: Picture;
  readonly clock: Clock;
  /** The USB port that the board is on. */
  readonly port?: string;
}

/** Frames that a busy process may be behind before some are lost. */
const mostCaughtUp = 4n;

const noFrames: AssemblyCounts = { short: 0, unended: 0, badHeaders: 0 };

/** The way to a simulated board in this process. */
export class SimulatedLink implements BoardLink {
  readonly gone: Promise<string>;
  readonly port: string;
  readonly #options: Options;
  #unplug: (why: string) => void = () => undefined;
  #isGone = false;
  #assembler: FrameAssembler | undefined;
  #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #stallNs = 0n;

  constructor(options: Options) {
    this.#options = options;
    this.port = options.port ?? 'simulated-1';
    this.gone = new Promise((resolve) => {
      this.#unplug = resolve;
    });
  }

  /** Pulls the plug. */
  unplug(): void {
    this.#isGone = true;
    this.#stopping.abort();
    this.#unplug('The Miniscope DAQ board was unplugged.');
  }

  /** Nothing comes for so long; then the stream goes on with the frames of that time lost on the board. */
  stall(ms: number): void {
    this.#stallNs += BigInt(ms) * 1_000_000n;
  }

  readonly counts = (): AssemblyCounts => this.#assembler?.counts ?? noFrames;

  readonly start: BoardLink['start'] = async (size, onFrame) => {
    const index = frameSizes.findIndex(({ width, height }) => width === size.width && height === size.height) + 1;
    if (index === 0) {
      throw new AppError('device.bad_setting', `The board has no frames of ${size.width} × ${size.height}.`);
    }
    const agreed = new Uint8Array(34);
    agreed.set([1, 0, 1, index]);
    await this.#transfer({ requestType: 0x21, request: request.setCur, value: 0x0100, index: 1, length: 34 }, agreed);
    await this.#transfer({ requestType: 0x21, request: request.setCur, value: 0x0200, index: 1, length: 34 }, agreed);
    this.#assembler = new FrameAssembler(size, onFrame);
    this.#stopping = new AbortController();
    this.#running = this.#send(this.#assembler, this.#stopping.signal);
  };

  readonly stop = async (): Promise<void> => {
    this.#stopping.abort();
    await this.#running;
    if (!this.#isGone)
      this.#options.usb.control({ requestType: 0x02, request: 0x01, value: 0, index: 0x83, length: 0 });
  };

  readonly setControl = async (control: Selector, value: number): Promise<void> => {
    await this.#transfer(
      { requestType: 0x21, request: request.setCur, value: control << 8, index: unit.processing << 8, length: 2 },
      Uint8Array.from(u16(value)),
    );
  };

  readonly getControl = async (control: Selector): Promise<number> => {
    const setup = {
      requestType: 0xa1,
      request: request.getCur,
      value: control << 8,
      index: unit.processing << 8,
      length: 2,
    };
    const [low = 0, high = 0] = await this.#transfer(setup);
    return low | (high << 8);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #transfer(setup: Setup, data?: Uint8Array): Promise<Uint8Array> {
    const answer = this.#isGone ? undefined : this.#options.usb.control(setup, data);
    if (answer instanceof Uint8Array) return Promise.resolve(answer);
    const how = answer === 'stall' ? 'refused a request' : 'did not answer';
    return Promise.reject(new AppError('device.no_answer', `The Miniscope DAQ board ${how}.`, { retryable: true }));
  }

  /**
   * Sends frames at the sensor's rate. After a busy moment of this process it catches up by a few frames; what is later than that is lost, as a sensor that
   * nobody reads goes on all the same.
   */
  async #send(assembler: FrameAssembler, signal: AbortSignal): Promise<void> {
    const { usb, picture, clock } = this.#options;
    const { board } = usb;
    const { width, height } = board.size;
    const light = new Uint8Array(width * height);
    let due = clock.nowNs();
    for (let frame = 0; !signal.aborted; frame += 1) {
      const stallNs = this.#takeStall();
      due += BigInt(Math.round(board.framePeriodS * 1e9)) + stallNs;
      try {
        await clock.sleep(Math.max(0, Number(due - clock.nowNs()) / 1e6), signal);
      } catch {
        return;
      }
      const stalled = Math.floor(Number(stallNs) / 1e9 / board.framePeriodS);
      if (stalled > 0) board.disturb({ kind: 'lost-frames', frames: stalled });
      const period = BigInt(Math.round(board.framePeriodS * 1e9));
      const late = (clock.nowNs() - due) / period;
      if (late > mostCaughtUp) {
        board.disturb({ kind: 'lost-frames', frames: Number(late) });
        due += late * period;
      }
      picture(frame, board.scope.state, light);
      for (const payload of board.frame(light, Number(clock.nowNs() / 1_000_000n)))
        assembler.take(payload, clock.nowNs());
    }
  }

  #takeStall(): bigint {
    const stall = this.#stallNs;
    this.#stallNs = 0n;
    return stall;
  }
}
