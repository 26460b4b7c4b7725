// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { followFrames } from '../../../main/media/follow.ts';

interface Picture {
  readonly frame: number;
  readonly small: boolean;
}

/** A film whose frames are decoded when the test says so, and a person who asks for frames. */
function slowFilm(
  kept: (frame: number) => number | undefined,
  quicker: (frame: number, last: number) => number = (frame) => frame,
) {
  const asked: number[] = [];
  const waiting: {
    readonly frame: number;
    readonly done: (picture: Picture) => void;
    readonly failed: (error: Error) => void;
  }[] = [];
  const updates: { readonly frame: number }[] = [];
  let wake: () => void = () => undefined;
  let overtaken = 0;
  let rest: () => void = () => undefined;
  const wishes = (async function* () {
    for (;;) {
      const next = updates.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  })();
  const pictures = followFrames<Picture>(wishes, {
    read: (frame) => {
      asked.push(frame);
      return new Promise((done, failed) => waiting.push({ frame, done, failed }));
    },
    near: (frame) => {
      const at = kept(frame);
      return at === undefined ? undefined : { frame: at, small: true };
    },
    quicker,
    onOvertaken: () => (overtaken += 1),
    rest: () => new Promise((resolve) => (rest = resolve)),
  });
  return {
    asked,
    overtaken: () => overtaken,
    rest: () => rest(),
    want: (frame: number): void => {
      updates.push({ frame });
      wake();
    },
    decode: (): void => {
      const { frame, done } = waiting.shift() ?? { frame: -1, done: () => undefined };
      done({ frame, small: false });
    },
    fail: (message: string): void => waiting.shift()?.failed(new Error(message)),
    shown: async (): Promise<Picture> => ((await pictures.next()) as IteratorYieldResult<Picture>).value,
    next: () => pictures.next(),
  };
}

/** Lets everything that waits for nothing but its turn go on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('frames that take long to decode', () => {
  it('are shown as they are where each is waited for', async () => {
    const film = slowFilm((frame) => frame);
    for (const frame of [3, 4, 5]) {
      film.want(frame);
      const picture = film.shown();
      await settle();
      film.decode();
      expect(await picture).toEqual({ frame, small: false });
    }
    expect([film.asked, film.overtaken()]).toEqual([[3, 4, 5], 0]);
  });

  it('are stood in for by small ones while somebody drags, and the last one comes as it is', async () => {
    const film = slowFilm((frame) => Math.round(frame / 4) * 4);
    film.want(10);
    const first = film.shown();
    await settle();
    film.want(21);
    expect(await first).toEqual({ frame: 20, small: true });
    const second = film.shown();
    await settle();
    film.want(31);
    expect(await second).toEqual({ frame: 32, small: true });
    // Frame 10 is there now: nobody wants it any more, and it would lead back.
    const last = film.shown();
    await settle();
    film.decode();
    await settle();
    // Nothing is decoded for a hand that moves.
    expect(film.asked).toEqual([10]);
    film.rest();
    await settle();
    expect(film.asked).toEqual([10, 31]);
    film.decode();
    expect(await last).toEqual({ frame: 31, small: false });
    expect(film.overtaken()).toBe(2);
    // And a step afterwards is shown as it is.
    film.want(32);
    const step = film.shown();
    await settle();
    film.decode();
    expect(await step).toEqual({ frame: 32, small: false });
  });

  it('are stood in for by those that are read sooner while somebody drags, and the last one comes as it is', async () => {
    // A key frame every ten; on from the frame that was read last nothing is gained.
    const film = slowFilm(
      () => undefined,
      (frame, last) => {
        const key = frame - (frame % 10);
        return last <= frame && last >= key ? frame : key;
      },
    );
    film.want(17);
    const first = film.shown();
    await settle();
    film.want(34);
    await settle();
    film.decode();
    expect(await first).toEqual({ frame: 17, small: false });
    const second = film.shown();
    await settle();
    film.want(58);
    await settle();
    film.decode();
    expect(await second).toEqual({ frame: 30, small: false });
    const third = film.shown();
    await settle();
    film.decode();
    expect(await third).toEqual({ frame: 50, small: false });
    // Until the hand rests nothing is decoded for a frame that it may leave.
    const last = film.shown();
    await settle();
    expect(film.asked).toEqual([17, 30, 50]);
    film.rest();
    await settle();
    film.decode();
    expect(await last).toEqual({ frame: 58, small: false });
    // A step afterwards is that frame, however soon it follows.
    film.want(59);
    const step = film.shown();
    await settle();
    film.decode();
    expect(await step).toEqual({ frame: 59, small: false });
    expect(film.asked).toEqual([17, 30, 50, 58, 59]);
  });

  it('show that something happens where no small one is kept', async () => {
    const film = slowFilm(() => undefined);
    film.want(1);
    const first = film.shown();
    await settle();
    film.want(50);
    await settle();
    film.decode();
    expect(await first).toEqual({ frame: 1, small: false });
    const second = film.shown();
    await settle();
    film.decode();
    expect(await second).toEqual({ frame: 50, small: false });
  });

  it('tell what is wrong with them', async () => {
    const film = slowFilm(() => undefined);
    film.want(1);
    const first = film.next();
    await settle();
    film.fail('no such film');
    await expect(first).rejects.toThrow('no such film');
  });
});
