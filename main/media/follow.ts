// SPDX-License-Identifier: MIT
/** What of a picture matters here. */
interface Numbered {
  readonly frame: number;
}

/** Where pictures come from. */
export interface PictureSource<P extends Numbered> {
  /** The picture itself; may take long. */
  readonly read: (frame: number) => Promise<P>;
  /** A frame beside this one that is read sooner, after `last` was read; the frame itself where nothing is gained. */
  readonly quicker: (frame: number, last: number) => number;
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
 * Pictures of the frames that are asked for, the newest first. While a hand drags on before a picture is there, small ones are given where they are kept, and none
 * is read until the hand rests; else frames that are read sooner stand in. The last one asked for is always given as it is.
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
  const quick = (): number => source.quicker(wanted, exact);
  try {
    for (;;) {
      const happened = await Promise.race([reading, resting, coming].filter((each) => each !== undefined));
      if (happened.kind === 'asked') {
        if (happened.update.done === true) return;
        wanted = happened.update.value.frame;
        coming = next();
        if (reading !== undefined) source.onOvertaken();
        const moves = reading !== undefined || resting !== undefined;
        const small = moves ? source.near(wanted) : undefined;
        if (small === undefined) {
          resting = undefined;
          reading ??= read(moves ? quick() : wanted);
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
        const stoodIn = picture.frame !== wanted && picture.frame === quick();
        exact = picture.frame;
        // While the hand moves over small ones nothing is read for frames it has left already.
        reading = picture.frame === wanted || stoodIn || resting !== undefined ? undefined : read(quick());
        if (stoodIn) resting ??= rest();
        // One that was overtaken would lead the eye back; where nothing else is there it shows that something happens.
        if (picture.frame === wanted || source.near(wanted) === undefined) yield picture;
      }
    }
  } finally {
    // Nobody waits for these any more.
    for (const left of [reading, coming, resting]) left?.catch(() => undefined);
  }
}
