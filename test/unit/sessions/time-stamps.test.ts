// SPDX-License-Identifier: MIT
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { rowsAtOnce } from '../../../main/sessions/lines.ts';
import { parseTimeStamps } from '../../../main/sessions/time-stamps.ts';
import { regularTimes, timeStampsCsv } from '../../support/session-folders.ts';

const codes = async (text: string): Promise<string[]> =>
  (await parseTimeStamps(text, 't.csv')).findings.map((finding) => finding.code);

describe('timeStamps.csv', () => {
  it('gives the true rate although it holds whole milliseconds', async () => {
    const times = Array.from({ length: 3000 }, (_, frame) => Math.round(frame * 33.557));
    expect((await parseTimeStamps(timeStampsCsv(times), 't.csv')).fps).toBeCloseTo(29.8, 2);
  });

  it('counts frames that are missing, in one gap or in many', async () => {
    const times = regularTimes(100, 50).filter((_, frame) => frame !== 20 && !(frame >= 60 && frame < 65));
    const read = await parseTimeStamps(timeStampsCsv(times), 't.csv');
    expect(read.lostFrames).toBe(6);
    expect(read.findings).toEqual([
      {
        severity: 'warning',
        code: 'frames.lost',
        where: 't.csv',
        message: '6 frames are missing by gaps in the time stamps; longest interval 300 ms at frame 59.',
      },
    ]);
  });

  it('does not call a frame lost that was only late', async () => {
    const times = regularTimes(100, 50);
    times[30] = 1545;
    times[31] = 1560;
    const read = await parseTimeStamps(timeStampsCsv(times), 't.csv');
    expect(read.lostFrames).toBe(0);
    expect(await codes(timeStampsCsv(times))).toEqual(['frames.late']);
  });

  it("believes the DAQ's counter before the times: unread values, a wrap and a restart lose nothing", async () => {
    const counter = [65_530, 65_531, -1, 65_533, 65_534, 65_535, 0, 1, 2, 5, 6];
    const rows = counter.map((value, frame) => `${frame},${frame * 50},0,${value}`).join('\n');
    const read = await parseTimeStamps(
      `Frame Number,Time Stamp (ms),Buffer Index,DAQ Frame Number\n${rows}\n`,
      't.csv',
    );
    expect(read.lostFrames).toBe(2);
  });

  it('reads five columns and columns in another order by their names', async () => {
    const text =
      'Unix Time Stamp (ms),DAQ Frame Number,time stamp (ms), Frame Number,Buffer Index\r\n1,2,-7,0,0\r\n2,3,43,1,0\r\n';
    const read = await parseTimeStamps(text, 't.csv');
    expect(Array.from(read.timeS)).toEqual([-0.007, 0.043]);
  });

  it('takes an absurd first time as unknown', async () => {
    const times = regularTimes(200, 50);
    times[0] = 935_703_178;
    const read = await parseTimeStamps(timeStampsCsv(times), 't.csv');
    expect(read.timeS[0]).toBeNaN();
    expect(read.timeS[1]).toBeCloseTo(0.05);
    expect(read.lostFrames).toBe(0);
    expect(read.fps).toBeCloseTo(20);
    expect(await codes(timeStampsCsv(times))).toEqual(['time.absurd']);
  });

  it('leaves a last row out that ends in the middle', async () => {
    const read = await parseTimeStamps(`${timeStampsCsv(regularTimes(10, 50))}10,`, 't.csv');
    expect(read.rows).toBe(10);
    expect(read.findings.map((finding) => finding.code)).toEqual(['csv.cut']);
  });

  it('keeps a last row that only lacks its line end', async () => {
    expect((await parseTimeStamps(timeStampsCsv(regularTimes(10, 50)).trimEnd(), 't.csv')).rows).toBe(10);
  });

  it('says that the header is missing', async () => {
    await expect(parseTimeStamps('0,0,0\n1,50,0\n', 't.csv')).rejects.toThrow('t.csv, line 1: there is no header line');
    await expect(parseTimeStamps('Frame,Time\n1,50\n', 't.csv')).rejects.toThrow(
      't.csv, line 1: the column “Time Stamp (ms)” is missing; found “Frame,Time”.',
    );
    await expect(parseTimeStamps('', 't.csv')).rejects.toThrow('t.csv: the file is empty.');
  });

  it('has no rate with fewer than two rows', async () => {
    expect((await parseTimeStamps(timeStampsCsv([0]), 't.csv')).fps).toBeNull();
    expect(await parseTimeStamps(timeStampsCsv([]), 't.csv')).toMatchObject({ rows: 0, fps: null });
  });

  it('gives others their turn while it reads a long recording, and reads it the same', async () => {
    const rows = 20 * rowsAtOnce + 3;
    let turns = 0;
    const done = new AbortController();
    const others = (async () => {
      for (; !done.signal.aborted; turns += 1) await setImmediate();
    })();
    const read = await parseTimeStamps(timeStampsCsv(regularTimes(rows, 50)), 't.csv');
    done.abort();
    await others;
    expect(turns).toBeGreaterThanOrEqual(20);
    expect(read.rows).toBe(rows);
    expect(read.timeS.at(-1)).toBeCloseTo((rows - 1) * 0.05, 6);
    expect(read.findings).toEqual([]);
  });

  it('finds what is wrong far into a long recording, with its line', async () => {
    const lines = timeStampsCsv(regularTimes(3 * rowsAtOnce, 50)).split('\n');
    lines[2 * rowsAtOnce + 5] = '7,oops,0';
    await expect(parseTimeStamps(lines.join('\n'), 't.csv')).rejects.toThrow(
      `t.csv, line ${String(2 * rowsAtOnce + 6)}, column 2 (“Time Stamp (ms)”): “oops” is not a number.`,
    );
  });

  it('finds gaps in a recording of hours, where the usual interval is that of spread rows', async () => {
    const times = regularTimes(200_000, 33).filter((_, frame) => frame !== 150_000 && frame !== 150_001);
    const read = await parseTimeStamps(timeStampsCsv(times), 't.csv');
    expect(read.lostFrames).toBe(2);
    expect(read.fps).toBeCloseTo(1000 / 33, 6);
  });

  it('is read as a spreadsheet with decimal commas saved it, and refused where commas part columns and decimals alike', async () => {
    const times = [-12.5, 20.75, 54, 87.25];
    const german = `Frame Number;Time Stamp (ms);Buffer Index\r\n${times.map((time, i) => `${i};${String(time).replace('.', ',')};0\r\n`).join('')}\r\n`;
    expect([...(await parseTimeStamps(german, 't.csv')).timeS]).toEqual(times.map((time) => time / 1000));
    const commas = 'Frame Number,Time Stamp (ms),Buffer Index\n0,-12,5,0\n1,20,75,0\n';
    await expect(parseTimeStamps(commas, 't.csv')).rejects.toThrow('the row has 4 fields, the header 3.');
    await expect(parseTimeStamps(german.replace('20,75', '1.020,75'), 't.csv')).rejects.toThrow(
      't.csv, line 3, column 2 (“Time Stamp (ms)”): “1.020,75” is not a number; numbers are written without marks between thousands.',
    );
  });
});
