// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { wantedParameters, parseTypedParameters } from '../../../main/processing/asked-set.ts';
import { readParameterSet } from '../../../main/processing/parameters.ts';
import { djParamHash, type Library, parameterSetHash } from '../../../main/library/index.ts';
import { newRun, newSession, testStores } from '../../support/library.ts';

const engine = readParameterSet();
/** The library as its users see it, over stores of this process. */
const asLibrary = (stores: ReturnType<typeof testStores>): Library => stores as unknown as Library;

it('the tutorial’s set ships with every library, under the hashes that labs know, and cannot be changed', () => {
  const stores = testStores();
  const [set] = stores.parameterSets.list();
  expect(set).toMatchObject({
    idx: 0,
    method: 'caiman',
    description: 'element-miniscope default',
    djHash: '7ebfca75-7997-82ce-c46b-f0cc28f69308',
    builtin: true,
    runs: 0,
  });
  expect(Object.keys(set!.parameters)).toHaveLength(35);
  expect(djParamHash(set!.parameters)).toBe(set!.djHash);
  expect(
    parameterSetHash({ method: 'caiman', engineVersion: null, parametersVersion: 1, parameters: set!.parameters }),
  ).toBe(set!.sha256);
  expect(() => stores.database.exec('DELETE FROM processing_param_set')).toThrow('ships with the program');
  expect(() => stores.database.exec("UPDATE processing_param_set SET paramset_desc = 'mine'")).toThrow();
  for (const name of ['0', set!.uuid, set!.djHash, set!.sha256, 'Element-Miniscope Default'])
    expect(stores.parameterSets.find(name).idx).toBe(0);
  expect(() => stores.parameterSets.find('no such set')).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
});

it('a set is once in a library: by method and values, whatever the order of its keys', () => {
  const stores = testStores();
  const first = stores.parameterSets.add({ method: 'caiman', parameters: { gSig: [4, 4], K: null }, description: 'a' });
  expect(first.added).toBe(true);
  const again = stores.parameterSets.add({ method: 'caiman', parameters: { K: null, gSig: [4, 4] }, description: 'b' });
  expect(again).toMatchObject({ added: false, set: { idx: first.set.idx, description: 'a' } });
  const minian = stores.parameterSets.add({ method: 'minian', parameters: { K: null, gSig: [4, 4] } });
  expect(minian.set.djHash).toBe(first.set.djHash);
  expect(minian.set.sha256).not.toBe(first.set.sha256);
  // What upstream does not tell apart: 1 and '1'.
  const [one, text] = [1, '1'].map((p) => stores.parameterSets.add({ method: 'caiman', parameters: { p } }).set);
  expect(one!.djHash).toBe(text!.djHash);
  expect(one!.idx).not.toBe(text!.idx);
  expect(() => stores.parameterSets.add({ method: 'nobody', parameters: { p: 1 } })).toThrow('nobody');
});

it('a file of parameters keeps Python’s floats and tuples, so that the hash is upstream’s', () => {
  const typed = parseTypedParameters('{"a": 1, "b": {"$tuple": [5, 5.0]}, "c": 5.0, "d": "5.0", "e": -0.50, "f": NaN}');
  expect(typed).toEqual({
    a: 1,
    b: { $tuple: [5, { $float: 5 }] },
    c: { $float: 5 },
    d: '5.0',
    e: -0.5,
    f: null,
  });
  expect(djParamHash({ c: typed['c']! })).toBe(djParamHash({ c: '5.0' }));
  expect(parseTypedParameters('{"c": {"$float": 5.0}}')).toEqual({ c: { $float: 5 } });
  for (const bad of ['[1]', '{', '{}']) expect(() => parseTypedParameters(bad)).toThrow();
});

it('CaImAn’s set is translated, and the run tells what became of each parameter and what had no counterpart', async () => {
  const stores = testStores();
  const wanted = await wantedParameters(asLibrary(stores), engine, { parameters: { minSnr: 4 }, parameterSet: '0' });
  // 2.36 · gSig; what is said one by one counts more.
  expect(wanted.parameters).toMatchObject({ diameterPx: 7.08, minPnr: 10, minSnr: 4, maxShiftPx: 5 });
  expect(wanted.warnings[0]).toContain('rf');
  const recording = stores.sessions.insert(newSession(1)).session.recordings[0]!.uuid;
  const { uuid } = stores.runs.create(newRun(recording, { asked: wanted.asked, parameters: wanted.parameters }));
  const asked = stores.parameterSets.asked(uuid)!;
  expect(asked.set).toMatchObject({ idx: 0, runs: 1 });
  expect(asked.parameters).toHaveLength(35);
  expect(asked.parameters.find((row) => row.parameter === 'gSig')).toMatchObject({
    value: { $tuple: [3, 3] },
    became: 'diameterPx',
    result: 7.08,
  });
  expect(asked.parameters.find((row) => row.parameter === 'rf')).toMatchObject({
    value: 40,
    became: null,
    result: null,
  });
  expect(
    stores.database.prepare('SELECT paramset_idx AS used, asked_paramset_idx AS asked FROM dj_ProcessingTask').get(),
  ).toEqual({ used: 1, asked: 0 });
});

it('a set of this engine is used as it stands, one of another program is refused', async () => {
  const stores = testStores();
  const library = asLibrary(stores);
  const own = stores.parameterSets.add({ method: 'calyx', parameters: { diameterPx: 9 } }).set;
  expect(await wantedParameters(library, engine, { parameters: {}, parameterSet: String(own.idx) })).toEqual({
    parameters: { diameterPx: 9 },
    warnings: [],
  });
  const other = stores.parameterSets.add({ method: 'minian', parameters: { wnd_size: 1000 } }).set;
  await expect(wantedParameters(library, engine, { parameters: {}, parameterSet: String(other.idx) })).rejects.toThrow(
    'minian',
  );
});
