// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixedPacket, readCatalogue, resolveSetting, scopeType } from '../../../main/devices/catalogue/index.ts';
import { showPacket } from '../../../main/devices/miniscope/i2c-packet.ts';
import { temporaryFolder } from '../../support/library.ts';

const catalogue = readCatalogue();
const initial = (type: string): string[] =>
  scopeType(catalogue, type).initialise.map((command) => showPacket(fixedPacket(command)));
const sent = (type: string, control: string, setting: string | number): string[] =>
  resolveSetting(scopeType(catalogue, type), control, setting).packets.map(showPacket);

describe('the scope types that come with the program', () => {
  it('are those of the field', () => {
    expect([...catalogue.keys()].sort()).toEqual([
      'Minicam-Mono-XGA',
      'Miniscope_V3',
      'Miniscope_V4',
      'Miniscope_V4_2C_Manual',
      'Miniscope_V4_BNO',
      'Siminiscope_1024X768',
    ]);
  });

  it('begin with the published commands', () => {
    const bus = ['C0 22 02', 'C0 20 0A', 'C0 07 B0', 'B0 0F 02', 'B0 1E 0A'];
    const orientation = ['50 41 09 05', '50 3D 0C', 'FE 00'];
    const v4 = [...bus, 'C0 08 20 EE A0 50', 'C0 10 20 EE 58 50', ...orientation, 'EE 03 03'];
    expect(initial('Miniscope_V4_BNO')).toEqual(v4);
    expect(initial('Miniscope_V4_2C_Manual')).toEqual([...v4, '20 04 03']);
    expect(initial('Miniscope_V4')).toEqual([...bus, 'C0 08 20 EE A0', 'C0 10 20 EE 58', 'EE 03 03']);
    expect(initial('Miniscope_V3')).toEqual([...bus, 'C0 08 B8 98', 'C0 10 B8 98', 'B8 0C 00 01', 'B8 AF 00 00']);
    const minicam = [
      'C0 07 B0',
      'C0 22 02',
      'C0 20 0A',
      'B0 0F 02',
      'B0 1E 0A',
      'C0 08 BA 6C',
      'C0 10 BA 6C',
      'BA 03 05 FF',
      'BA 04 07 FF',
      'BA 22 00 11',
      'BA 23 00 11',
      'BA 20 00 60',
      'BA 3E 00 C0',
      'BA 09 02 FF',
      '6C 10 D7',
    ];
    expect(initial('Minicam-Mono-XGA')).toEqual(minicam);
    expect(initial('Siminiscope_1024X768')).toEqual(minicam);
  });

  it.each([
    ['Miniscope_V4_BNO', 'led0', 10, ['20 01 E5', '58 00 72 E5']],
    ['Miniscope_V4_BNO', 'led0', 0, ['20 01 FF', '58 00 72 FF']],
    ['Miniscope_V4_BNO', 'led0', 100, ['20 01 00', '58 00 72 00']],
    ['Miniscope_V4_2C_Manual', 'led0', 10, ['20 01 E5', '58 00 E5']],
    ['Miniscope_V4_2C_Manual', 'led1', 10, ['20 02 E5', '58 01 E5']],
    ['Miniscope_V3', 'led0', 255, ['98 0F F0']],
    ['Minicam-Mono-XGA', 'led0', 20, ['6C A0 06']],
    ['Miniscope_V4', 'ewl', -127, ['EE 08 00 02']],
    ['Miniscope_V4', 'ewl', 0, ['EE 08 7F 02']],
    ['Miniscope_V4', 'ewl', 127, ['EE 08 FE 02']],
    ['Miniscope_V4', 'gain', 'Low', ['20 05 00 CC 00 E1']],
    ['Miniscope_V4', 'gain', 'medium', ['20 05 00 CC 00 E4']],
    ['Miniscope_V4', 'gain', 3.5, ['20 05 00 CC 00 24']],
    ['Miniscope_V3', 'gain', 'High', ['B8 35 00 40']],
    ['Minicam-Mono-XGA', 'gain', '32X', ['BA 35 18 60']],
    ['Miniscope_V4_BNO', 'frameRate', '2FPS', ['20 05 00 C9 C3 50']],
    ['Miniscope_V4_BNO', 'frameRate', 20, ['20 05 00 C9 13 88']],
    ['Miniscope_V4', 'frameRate', '30FPS', ['20 05 00 C9 0C E4']],
    ['Miniscope_V3', 'frameRate', 20, ['B8 05 03 66 01 41', 'B8 0B 03 20']],
    ['Minicam-Mono-XGA', 'frameRate', 47, ['BA 09 02 FE']],
  ] as const)('%s: %s %s', (type, control, setting, packets) => {
    expect(sent(type, control, setting)).toEqual(packets);
  });

  it('say what a control can be', () => {
    expect(() => sent('Miniscope_V4', 'frameRate', 5)).toThrow(/10FPS, 15FPS/);
    expect(() => sent('Miniscope_V4', 'led0', 101)).toThrow(/between 0 and 100/);
    expect(() => sent('Miniscope_V4', 'led0', '')).toThrow(/between 0 and 100/);
    expect(() => sent('Miniscope_V4', 'led1', 1)).toThrow(/no control “led1”/);
    expect(() => scopeType(catalogue, 'V5')).toThrow(/no scope type “V5”/);
  });
});

describe('a user’s scope types', () => {
  const folderWith = (content: string): string => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'lab.json'), content);
    return folder;
  };

  it('are pasted as their makers publish them, numbers as texts', () => {
    const pasted = {
      WebCam: { sensor: '', width: 640, height: 480, controlSettings: {} },
      LFOV: {
        sensor: 'MT9P031',
        width: 800,
        height: 800,
        pixelClock: 96,
        qmlFile: 'qrc:/other.qml',
        controlSettings: {
          led0: {
            startValue: 0,
            min: 0,
            max: 100,
            stepSize: 1,
            displayValueScale: 1,
            displayValueOffset: 0,
            sendCommand: [
              {
                protocol: 'I2C',
                addressW: '0b01101100',
                regLength: '1',
                reg0: '0xA0',
                dataLength: '1',
                data0: 'value',
              },
            ],
          },
        },
        initialize: [{ addressW: '0xC0', regLength: '1', reg0: '0x07', dataLength: '1', data0: '176' }],
      },
    };
    const types = readCatalogue(folderWith(JSON.stringify(pasted)));
    const lfov = scopeType(types, 'LFOV');
    expect(lfov.initialise.map((command) => showPacket(fixedPacket(command)))).toEqual(['C0 07 B0']);
    expect(resolveSetting(lfov, 'led0', 7).packets.map(showPacket)).toEqual(['6C A0 07']);
    expect(types.has('WebCam')).toBe(false);
    expect(types.has('Miniscope_V4')).toBe(true);
  });

  it.each([
    ['{', /lab\.json/],
    ['[]', /no JSON object/],
    ['{"type":"X","width":8,"height":0}', /X\.height/],
    ['{"type":"X","width":8,"height":8,"initialize":[{"addressW":"0xC0","regLength":1,"dataLength":0}]}', /reg0/],
    ['{"type":"X","width":8,"height":8,"initialize":[{"addressW":"0x1C0"}]}', /initialize\.0\.addressW/],
  ])('%s is refused by file and field', (content, message) => {
    expect(() => readCatalogue(folderWith(content))).toThrow(message);
  });
});
