// SPDX-License-Identifier: MIT
import { AppError, type ImportPreview, type SessionRow, Uuid } from '../../../contract/index.ts';
import { positive, text, words, type Answer, type Command, type Invocation } from '../command.ts';
import { exitCodes } from '../../exit-codes.ts';
import { bytes, duration } from '../output.ts';
import { passwordVariable, serverPassword } from '../server-password.ts';
import { importStopped, withProgress } from '../show-progress.ts';

/** `import`: links a session or brings another program's result into the library, or says what that would do. */
export const importCommand: Command = {
  name: 'import',
  summary: 'Link a session folder or film, or import another program’s result, into the library',
  usage:
    'import datajoint --url mysql://user@host --prefix neuro_ [flags]; import <session folder | device folder | film (AVI, MKV, MP4, TIFF, HDF5, NWB, ISXD, zarr) | result of CaImAn, CNMF-E, MiniAn, MIN1PIPE, suite2p, CellReg, ImageJ or Inscopix> [flags]; import --recording <id> [--paramset <set>] [--root <folder>]',
  flags: () => [
    { name: 'device', value: 'name', help: 'Only this miniscope.' },
    { name: 'fps', value: 'rate', help: 'Frames per second of a film without time stamps.' },
    { name: 'subject', value: 'name', help: 'The animal, where the folder does not say or is wrong.' },
    { name: 'dataset', value: 'path', help: 'Array of an HDF5, NWB or zarr film, where the file holds several.' },
    {
      name: 'rater',
      value: 'initials',
      help: 'For outlines of ImageJ: who drew them; every one is accepted by that rater.',
    },
    { name: 'recording', value: 'uuid', help: 'For a result: the recording it was computed from.' },
    {
      name: 'paramset',
      value: 'set',
      help: 'For a result: the parameter set it was made with. Without a file, the result is looked for in root/session_dir/method_number.',
    },
    { name: 'root', value: 'folder', help: 'Where results lie, for one that is looked for (else $CALYX_ROOT).' },
    {
      name: 'url',
      value: 'address',
      help: `Of a DataJoint server: mysql://user@host:port; the password from $${passwordVariable} or a prompt.`,
    },
    { name: 'prefix', value: 'letters', help: 'What the names of its databases begin with, as neuro_.' },
    {
      name: 'orientation',
      value: 'which',
      help: 'How masks on the server count: corrected (x is the column), as-upstream (exchanged), else by evidence.',
    },
    { name: 'dry-run', help: 'Only say what was recognised.' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, absolute } = invocation;
  if (text(flags, 'url') !== undefined || text(flags, 'prefix') !== undefined) return await fromDatajoint(invocation);
  if (invocation.positionals.length === 0 && text(flags, 'recording') !== undefined) return await load(invocation);
  const [place] = words(importCommand, invocation.positionals, ['the folder or film to import'] as const);
  const source = { path: absolute(place) };
  const fps = positive(flags, 'fps', 'number');
  const recordingUuid = text(flags, 'recording');
  const parameterSet = text(flags, 'paramset');
  const dataset = text(flags, 'dataset');
  if (recordingUuid !== undefined && !Uuid.safeParse(recordingUuid).success)
    throw new AppError('usage.invalid', `“${recordingUuid}” is no recording’s id.`, {
      hint: 'calyx sessions --json lists the recordings with their ids.',
    });
  const { client } = await invocation.connect();
  // Who names an array wants the film, though there be results beside it.
  const { kind } = dataset === undefined ? await client.results.recognise({ source }) : { kind: null };
  if (kind !== null) {
    if (flags['dry-run'] === true) {
      const { cells, frames, width, height, findings, ...rest } = await withProgress(
        invocation,
        client,
        async (ticket, signal) =>
          await client.results.preview(
            {
              source,
              ticket,
              ...(recordingUuid === undefined ? {} : { recordingUuid }),
              ...(fps === undefined ? {} : { fps }),
            },
            { signal },
          ),
        importStopped,
      );
      const told = findings.map((finding) => `  note: ${finding}\n`).join('');
      return {
        exitCode: exitCodes.ok,
        json: { title: kind.title, cells, frames, width, height, findings, ...rest },
        text: `${kind.title}, ${cells} cells, ${frames} frames of ${width} × ${height}: can be imported as a run.\n${told}`,
      };
    }
    const [subject, rater] = [text(flags, 'subject'), text(flags, 'rater')];
    const result = await withProgress(
      invocation,
      client,
      async (ticket, signal) =>
        await client.results.import(
          {
            source,
            ticket,
            ...(recordingUuid === undefined ? {} : { recordingUuid }),
            ...(fps === undefined ? {} : { fps }),
            ...(subject === undefined ? {} : { subject }),
            ...(rater === undefined ? {} : { rater }),
            ...(parameterSet === undefined ? {} : { parameterSet }),
          },
          { signal },
        ),
      importStopped,
    );
    const notes = result.findings.map((finding) => `  note: ${finding}\n`).join('');
    const { run, frames, width, height } = result;
    return {
      exitCode: exitCodes.ok,
      json: result,
      text: `Imported: ${kind.title}, ${run.cells ?? 0} cells, ${frames} frames of ${width} × ${height}. Run ${run.uuid}\n${notes}`,
    };
  }
  if (flags['dry-run'] === true) {
    const preview = await client.sessions.preview({
      source,
      ...(fps === undefined ? {} : { fps }),
      ...(dataset === undefined ? {} : { dataset }),
    });
    return { exitCode: preview.canImport ? exitCodes.ok : exitCodes.input, json: preview, text: previewText(preview) };
  }
  const device = text(flags, 'device');
  const subject = text(flags, 'subject');
  const { session, alreadyImported } = await withProgress(
    invocation,
    client,
    async (ticket, signal) =>
      await client.sessions.import(
        {
          source,
          ticket,
          ...(dataset === undefined ? {} : { dataset }),
          ...(device === undefined ? {} : { device }),
          ...(fps === undefined ? {} : { fps }),
          ...(subject === undefined ? {} : { subject }),
        },
        { signal },
      ),
    importStopped,
  );
  return { exitCode: exitCodes.ok, json: { session, alreadyImported }, text: sessionText(session, alreadyImported) };
}

/** The result of a task of element-miniscope's workflow, where that would have put it. */
async function load(invocation: Invocation): Promise<Answer> {
  const { flags, env, absolute, connect } = invocation;
  const recordingUuid = text(flags, 'recording') ?? '';
  const parameterSet = text(flags, 'paramset');
  const root = text(flags, 'root') ?? env['CALYX_ROOT'];
  const task = {
    ...(parameterSet === undefined ? {} : { parameterSet }),
    ...(root === undefined ? {} : { root: absolute(root) }),
  };
  const { client } = await connect();
  const { folder, relative } = await client.results.outputDir({ target: recordingUuid, ...task });
  if (flags['dry-run'] === true) {
    return { exitCode: exitCodes.ok, json: { folder, relative }, text: `Would be looked for in ${folder}\n` };
  }
  const result = await withProgress(
    invocation,
    client,
    async (ticket, signal) => await client.results.import({ recordingUuid, ticket, ...task }, { signal }),
    importStopped,
  );
  return {
    exitCode: exitCodes.ok,
    json: { ...result, folder, relative },
    text: `Loaded from ${folder}: ${result.run.cells ?? 0} cells. Run ${result.run.uuid}\n`,
  };
}

/** A lab's DataJoint databases. */
async function fromDatajoint(invocation: Invocation): Promise<Answer> {
  const { positionals, flags, env, absolute } = invocation;
  const [url, prefix] = [text(flags, 'url'), text(flags, 'prefix')];
  if (positionals.length !== 1 || positionals[0] !== 'datajoint' || url === undefined || prefix === undefined) {
    throw new AppError('usage.invalid', 'To import from a server give datajoint, --url and --prefix.', {
      hint: 'calyx import datajoint --url mysql://user@host --prefix neuro_',
    });
  }
  const orientation = text(flags, 'orientation') ?? 'auto';
  if (orientation !== 'auto' && orientation !== 'corrected' && orientation !== 'as-upstream')
    throw new AppError('usage.invalid', `--orientation is corrected, as-upstream or auto, not “${orientation}”.`);
  const [subject, root] = [text(flags, 'subject'), text(flags, 'root') ?? env['CALYX_ROOT']];
  const password = await serverPassword(invocation);
  const { client } = await invocation.connect();
  const imported = await withProgress(
    invocation,
    client,
    async (ticket, signal) =>
      await client.datajoint.import(
        {
          url,
          password,
          prefix,
          orientation,
          dryRun: flags['dry-run'] === true,
          ticket,
          ...(subject === undefined ? {} : { subject }),
          ...(root === undefined ? {} : { root: absolute(root) }),
        },
        { signal },
      ),
    importStopped,
  );
  const { tables, runs, runsHere, notes, generation, isImported } = imported;
  const lines = [
    `Tables of element-miniscope ${generation}.`,
    ...tables.map(({ table, inserted, present }) => `  ${table}: ${inserted} to add, ${present} here`),
    ...runs.map(
      ({ uuid, name, cells, findings }) =>
        `  result ${name}: ${cells} cells. Run ${uuid}${findings.map((finding) => `\n    note: ${finding}`).join('')}`,
    ),
    ...(runsHere === 0 ? [] : [`  ${runsHere} results are here already.`]),
    ...notes.map((note) => `note: ${note}`),
    isImported ? 'Imported.' : 'Can be imported.',
  ];
  return { exitCode: exitCodes.ok, json: imported, text: `${lines.join('\n')}\n` };
}

function findingsText(
  findings: readonly { readonly severity: string; readonly message: string; readonly where?: string | undefined }[],
): string {
  return findings
    .map(({ severity, message, where }) => `  ${severity}: ${where === undefined ? '' : `${where}: `}${message}\n`)
    .join('');
}

function previewText(preview: ImportPreview): string {
  const devices = preview.devices.map(
    (device) =>
      `  ${device.name} (${device.kind}): ${device.films} films, ${device.frames} frames of ${device.width} × ${device.height}` +
      `${device.fps === null ? '' : `, ${device.fps.toFixed(2)} frames/s`}${device.durationS === null ? '' : `, ${duration(device.durationS)}`}, ${bytes(device.bytes)}\n`,
  );
  const verdict =
    preview.importedAs === null
      ? preview.canImport
        ? 'Can be imported.'
        : 'Cannot be imported.'
      : `In the library as ${preview.importedAs}.`;
  return `${preview.name} (${preview.format})\n${devices.join('')}${findingsText(preview.findings)}${verdict}\n`;
}

function sessionText(session: SessionRow, alreadyImported: boolean): string {
  const recordings = session.recordings.map(
    (recording) => `  ${recording.device}: ${recording.frames} frames of ${recording.width} × ${recording.height}\n`,
  );
  return `${alreadyImported ? 'In the library already' : 'Imported'}: ${session.name} (${session.uuid})\n${recordings.join('')}${alreadyImported ? '' : findingsText(session.findings)}`;
}
