// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../main/media/index.ts';
import { launchChromium } from '../support/browser.ts';
import { picture } from '../support/journey.ts';
import { needRig } from '../support/rig.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const patience = { timeout: 60_000 };
const scope = {
  deviceType: 'Miniscope_V4_BNO',
  led0: 5,
  gain: 'Low',
  ewl: 35,
  frameRate: '5FPS',
  framesPerFile: 1000,
};

/** A configuration as the field's own program writes it, with a key that Calyx does not know. */
function configuration(more: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(
    JSON.stringify({
      dataDirectory: '',
      directoryStructure: ['researcherName', 'animalName', 'date', 'time'],
      researcherName: 'EE',
      experimentName: 'two scopes',
      animalName: 'm12',
      recordLengthInSeconds: 0,
      calyx: { simulator: true },
      labBook: 'page 12',
      ...more,
    }),
  );
}

describe('a rig in the window', () => {
  let browser: Browser;
  let folder: string;
  let server: RunningServer;
  let page: Page;
  const complaints: string[] = [];
  const program = (): string => path.join(folder, 'mark.sh');

  beforeAll(async () => {
    browser = await launchChromium();
    folder = mkdtempSync(path.join(tmpdir(), 'calyx-e2e-rig-'));
    mkdirSync(path.join(folder, 'rig'));
    writeFileSync(program(), '#!/bin/sh\necho started > "$CALYX_SESSION/started.txt"\n');
    chmodSync(program(), 0o755);
    server = await startServer(path.join(folder, 'library'), {
      CALYX_DATA_ROOTS: path.join(folder, 'rig'),
      CALYX_SETTINGS: path.join(folder, 'settings'),
      CALYX_PROGRAMS: program(),
    });
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(server.address);
    await page.getByRole('button', { name: 'Acquire', exact: true }).click();
  });

  afterAll(async () => {
    await page.screenshot({ path: path.join(tmpdir(), 'calyx-e2e-rig-last.png') }).catch(() => undefined);
    await browser.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    expect(complaints).toEqual([]);
  });

  async function open(name: string, content: Buffer): Promise<void> {
    await page.getByText('No Miniscope found').waitFor(patience);
    await page
      .getByLabel('Miniscope DAQ configuration')
      .setInputFiles({ name: `${name}.json`, mimeType: 'application/json', buffer: content });
    await page
      .getByLabel('Rig', { exact: true })
      .locator(`option:checked`, { hasText: name })
      .waitFor({ state: 'attached' });
  }

  async function check(): Promise<void> {
    await page.getByRole('button', { name: 'Pre-flight', exact: true }).click();
    await page.getByText(/^\d+ checks? green/).waitFor(patience);
  }

  /** A busy computer takes frames late for a moment. */
  async function whenReady(): Promise<void> {
    const verdict = page.getByRole('complementary', { name: 'Pre-flight' }).getByRole('heading');
    await expect
      .poll(
        async () => {
          await page.getByRole('button', { name: 'Check again' }).first().click();
          return await verdict.innerText();
        },
        { timeout: 60_000, interval: 2000 },
      )
      .toBe('Ready to record');
  }

  /** Pixels of a canvas that are drawn in a colour. */
  const drawn = async (canvas: Locator): Promise<number> =>
    await canvas.evaluate((element: HTMLCanvasElement) => {
      const { data } = element.getContext('2d')!.getImageData(0, 0, element.width, element.height);
      let count = 0;
      for (let n = 0; n < data.length; n += 4)
        if (
          (data[n + 3] ?? 0) > 100 &&
          Math.max(...data.subarray(n, n + 3)) - Math.min(...data.subarray(n, n + 3)) > 60
        )
          count += 1;
      return count;
    });

  const row = (name: string) =>
    page.getByRole('complementary', { name: 'Pre-flight' }).getByRole('listitem').filter({ hasText: name });

  it('opens a configuration with two scopes, a camera and a program, and records all of it into one folder', async (context) => {
    needRig(context);
    await open(
      'arena 2',
      configuration({
        devices: {
          miniscopes: { CA1: scope, PFC: scope },
          cameras: { BehavCam: { deviceType: 'TestPicture-320x240', frameRate: '10FPS' } },
        },
        executableOnStartRecording: { enabled: true, filePath: program(), arguments: [] },
      }),
    );
    await page.getByText('2 scopes: CA1, PFC · 1 camera: BehavCam').waitFor();
    await picture(page, '30-rig-chosen');
    await page.getByRole('button', { name: 'Use this rig, simulated' }).click();
    await page.getByRole('img', { name: 'Live picture of PFC' }).waitFor(patience);
    await page
      .getByRole('region', { name: 'BehavCam' })
      .getByText(/320 × 240 · \d/)
      .waitFor(patience);
    await page
      .getByRole('region', { name: 'PFC' })
      .getByText(/608 × 608 · \d/)
      .waitFor(patience);
    // The other scope is looked at: large, with its own regions, head, quality and controls.
    await page.getByRole('button', { name: 'Look at PFC' }).click();
    const large = page.getByRole('region', { name: 'Miniscope', exact: true });
    await large.getByRole('heading', { name: 'PFC' }).waitFor(patience);
    await page.getByRole('img', { name: 'Live picture of CA1' }).waitFor(patience);
    await page.getByText('No region is followed.').waitFor();
    await page.keyboard.press('o');
    await large.getByRole('img', { name: 'Live picture of the scope' }).click({ position: { x: 200, y: 200 } });
    const traces = page.getByRole('region', { name: 'ROI traces of PFC' });
    await traces.getByText('ROI 1').waitFor(patience);
    await expect
      .poll(() => drawn(traces.getByRole('img', { name: 'Traces of the regions' })), patience)
      .toBeGreaterThan(20);
    await page.getByRole('region', { name: 'Head of PFC' }).getByText(/roll/i).first().waitFor(patience);
    await page
      .getByRole('region', { name: 'Quality of PFC' })
      .getByText(/^0\.\d\d$/)
      .first()
      .waitFor(patience);
    await page.keyboard.press(']');
    await page
      .getByRole('group', { name: 'Controls of PFC' })
      .getByText(/^6\s*%$/)
      .waitFor(patience);
    await page.keyboard.press(' ');
    await page.getByText(/Screenshot saved: imageCaptures\/PFC_.*\.png/).waitFor(patience);
    await picture(page, '31-rig-other-scope');
    await page.keyboard.press('[');
    await page
      .getByRole('group', { name: 'Controls of PFC' })
      .getByText(/^5\s*%$/)
      .waitFor(patience);
    await page.getByRole('button', { name: 'Look at CA1' }).click();
    await page.getByRole('region', { name: 'ROI traces of CA1' }).getByText('No region is followed.').waitFor(patience);
    // Each device has its line in pre-flight.
    await check();
    await row('PFC')
      .getByText(/608 × 608, .* fps, 5 set/)
      .waitFor(patience);
    await row('BehavCam')
      .getByText(/320 × 240/)
      .waitFor();
    await row('Program at start').getByText(program()).waitFor();
    await row('Commutator').getByText('none in this rig').waitFor();
    await picture(page, '31-rig-preflight');
    await whenReady();
    // Record checks everything once more: on a busy machine a rate may be out of its bounds just then, and pre-flight says so again.
    await expect
      .poll(
        async () => {
          if (await page.getByText('Hold to stop').isVisible()) return true;
          await whenReady();
          await page.getByRole('button', { name: 'Close pre-flight' }).click();
          await page.keyboard.down('r');
          const held = page.getByText('Hold to stop').or(page.getByRole('complementary', { name: 'Pre-flight' }));
          await held.first().waitFor(patience);
          await page.keyboard.up('r');
          return await page.getByText('Hold to stop').isVisible();
        },
        { timeout: 120_000, interval: 500 },
      )
      .toBe(true);
    // The second scope has its own light, which is noted with its name.
    await page.getByRole('group', { name: 'Controls of PFC' }).getByLabel('LED').fill('31');
    await page.getByText('PFC: LED 5 → 31').first().waitFor(patience);
    // One scope fails: it is told with its name, the others go on.
    await page.getByLabel('Practise a fault').selectOption('PFC: unplugged');
    await page
      .getByText('PFC: The Miniscope DAQ board was unplugged. Calyx tries to reach it again.')
      .first()
      .waitFor(patience);
    await picture(page, '32-rig-one-scope-lost');
    await page.getByText('PFC: The scope is back with its settings.').first().waitFor(patience);
    await page
      .getByRole('region', { name: 'PFC' })
      .getByText(/[1-9]\d* saved/)
      .waitFor(patience);
    await page
      .getByRole('region', { name: 'BehavCam' })
      .getByText(/[1-9]\d* saved/)
      .waitFor(patience);
    await page.keyboard.down('Shift');
    await page.keyboard.down('R');
    await page.getByRole('heading', { name: /^(PFC|CA1): Recording saved/ }).waitFor(patience);
    await page.keyboard.up('R');
    await page.keyboard.up('Shift');
    await page.getByRole('radio', { name: 'CA1' }).click();
    // One scope of it is queued, then the other one.
    const next = page.getByRole('complementary', { name: 'Next' });
    await next.getByLabel('CA1').uncheck();
    await next.getByRole('button', { name: 'Queue processing' }).click();
    await next.getByText('Processing of PFC is queued with the preset Balanced.').waitFor(patience);
    await next.getByLabel('CA1').check();
    await picture(page, '33-rig-report');
    await next.getByRole('button', { name: 'Queue processing' }).click();
    await next.getByText('Processing of CA1, PFC is queued with the preset Balanced.').waitFor(patience);
    const where = await page.locator('dt', { hasText: 'Folder' }).locator('+ dd').innerText();
    const session = path.join(folder, 'rig', 'Calyx recordings', where);
    for (const file of ['CA1/0.avi', 'PFC/0.avi', 'BehavCam/0.avi', 'PFC/integrity.json'])
      expect(existsSync(path.join(session, file)), file).toBe(true);
    await expect.poll(() => existsSync(path.join(session, 'started.txt'))).toBe(true);
    expect(readFileSync(path.join(session, 'notes.csv'), 'utf8')).toContain('PFC,led0,31');
    // The rig as it is driven now, with what Calyx does not know.
    await page.getByRole('button', { name: 'Record again with this set-up' }).click();
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as configuration' }).click(),
    ]);
    const json = JSON.parse(readFileSync(await saved.path(), 'utf8')) as {
      labBook: string;
      devices: { miniscopes: { PFC: { led0: number } }; cameras: object };
    };
    expect(json.labBook).toBe('page 12');
    expect(json.devices.miniscopes.PFC.led0).toBe(31);
    expect(Object.keys(json.devices.cameras)).toEqual(['BehavCam']);
    await page.getByRole('button', { name: 'Disconnect' }).click();
  }, 240_000);

  it('says what stands against a rig: a camera and a commutator that are not there, a program nobody has listed', async (context) => {
    needRig(context);
    await open(
      'broken',
      configuration({
        devices: {
          miniscopes: { Miniscope: scope },
          cameras: { SideCam: { deviceType: 'WebCam-640x480', deviceID: 97 } },
        },
        commutator: { enabled: true, port: '/dev/calyx-no-such-port' },
        executableOnStopRecording: { enabled: true, filePath: '/opt/not-listed', arguments: [] },
      }),
    );
    await page.getByText('/opt/not-listed may not be started').waitFor();
    await page.getByRole('button', { name: 'Use this rig, simulated' }).click();
    await page.getByRole('region', { name: 'SideCam' }).getByText('Calyx tries again every 2 s').waitFor(patience);
    await page.getByText(/^commutator: The commutator's port .* cannot be opened\.$/).waitFor(patience);
    await check();
    await page.getByText(/^Not ready: /).waitFor(patience);
    expect(
      await row('SideCam')
        .getByText(/The camera SideCam stopped: /)
        .count(),
    ).toBe(1);
    expect(await row('Program at stop').getByText('is not on this machine’s list').count()).toBe(1);
    expect(await row('Commutator').getByText('cannot be opened').count()).toBe(1);
    await picture(page, '34-rig-camera-failed');
    await page.getByRole('button', { name: 'Close pre-flight' }).click();
    await page.getByRole('button', { name: 'Disconnect' }).click();
  }, 120_000);

  it('goes on with the scope when a camera ends in the middle of a recording, and says so in the report', async (context) => {
    needRig(context);
    const films = path.join(folder, 'films');
    mkdirSync(films);
    const source = ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10:duration=12', '-c:v', 'mjpeg'];
    execFileSync(findFfmpeg() ?? '', ['-loglevel', 'error', ...source, path.join(films, '0.avi')]);
    const videoPlayback = { folderPath: films, filePrefix: '', frameRate: 10 };
    await open(
      'playback',
      configuration({
        devices: {
          miniscopes: { Miniscope: scope },
          cameras: { Replay: { deviceType: 'WebCam', frameRate: '10FPS', videoPlayback } },
        },
      }),
    );
    await page.getByRole('button', { name: 'Use this rig, simulated' }).click();
    await page
      .getByRole('region', { name: 'Replay' })
      .getByText(/160 × 120 · \d/)
      .waitFor(patience);
    await page.keyboard.down('r');
    await page.getByText('Hold to stop').waitFor(patience);
    await page.keyboard.up('r');
    await page
      .getByRole('region', { name: 'Replay' })
      .getByText('The scopes are recorded on; this film ends here, and the report says so.')
      .waitFor(patience);
    await picture(page, '35-rig-camera-ends');
    await page.keyboard.down('Shift');
    await page.keyboard.down('R');
    await page
      .getByText(/^Replay: The camera Replay gives no more pictures\. \d+ pictures are saved\.$/)
      .waitFor(patience);
    await page.keyboard.up('R');
    await page.keyboard.up('Shift');
  }, 120_000);
});
