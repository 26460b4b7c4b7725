// SPDX-License-Identifier: MIT
/** What of a picture matters here. */
interface Numbered {
  readonly frame: number;
}

/** Where pictures come from. */
export interface PictureSource<P extends Numbered> {
  /** The picture itself; may take long. */
  readonly read: (frame: number) => Promise<P>;
  /** A small one of the frame or one beside it, at once; undefined where none is kept. */
  readonly near: (frame: number) => P | undefined;
  /** Called when a frame was wanted before the one before it was there: somebody drags through the film. */
  readonly onOvertaken: () => void;
  /** Resolves when a hand that does not move any more can be said to rest. */
  readonly rest: () => Promise<void>;
}

type Happening<P> =
  | { readonly kind: 'asked'; readonly update: IteratorResult<Numbered> }
  | { readonly kind: 'read'; readonly picture: P }
  | { readonly kind: 'rested' };

/**
 * Pictures of the frames that are asked for, the newest first: while one takes long to read, small ones are given for what is asked meanwhile, and none is read
 * until the hand rests. The last one asked for is always given as it is.
 *
 * @throws what `read` throws
 */
export async function* followFrames<P extends Numbered>(
  updates: AsyncIterable<Numbered>,
  source: PictureSource<P>,
): AsyncGenerator<P> {
  const asked = updates[Symbol.asyncIterator]();
  const next = async (): Promise<Happening<P>> => ({ kind: 'asked', update: await asked.next() });
  const read = async (frame: number): Promise<Happening<P>> => ({ kind: 'read', picture: await source.read(frame) });
  const rest = async (): Promise<Happening<P>> => {
    await source.rest();
    return { kind: 'rested' };
  };
  let coming = next();
  let reading: Promise<Happening<P>> | undefined;
  let resting: Promise<Happening<P>> | undefined;
  let [wanted, exact] = [-1, -1];
  try {
    for (;;) {
      const happened = await Promise.race([reading, resting, coming].filter((each) => each !== undefined));
      if (happened.kind === 'asked') {
        if (happened.update.done === true) return;
        wanted = happened.update.value.frame;
        coming = next();
        if (reading !== undefined) source.onOvertaken();
        const small = reading !== undefined || resting !== undefined ? source.near(wanted) : undefined;
        if (small === undefined) {
          resting = undefined;
          reading ??= read(wanted);
        } else {
          resting = rest();
          exact = -1;
          yield small;
        }
      } else if (happened.kind === 'rested') {
        resting = undefined;
        if (exact !== wanted) reading ??= read(wanted);
      } else {
        const { picture } = happened;
        exact = picture.frame;
        // While the hand moves over small ones nothing is read for frames it has left already.
        reading = picture.frame === wanted || resting !== undefined ? undefined : read(wanted);
        // One that was overtaken would lead the eye back; where nothing else is there it shows that something happens.
        if (picture.frame === wanted || source.near(wanted) === undefined) yield picture;
      }
    }
  } finally {
    // Nobody waits for these any more.
    for (const left of [reading, coming, resting]) left?.catch(() => undefined);
  }
}
