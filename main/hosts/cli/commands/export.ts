// SPDX-License-Identifier: MIT
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import {
  AppError,
  type ExportFinding,
  ExportFormat,
  exportFormats,
  ExportMetadata,
  ExportMovie,
  Uuid,
} from '../../../contract/index.ts';
import { exportMany } from '../export-many.ts';
import { runId, text, texts, type Answer, type Command, type FlagValues, type Invocation } from '../command.ts';
import { withProgress } from '../show-progress.ts';
import type { CoreClient } from '../connection.ts';
import { exitCodes } from '../../exit-codes.ts';
import { bytes } from '../output.ts';

/** `export`: writes a finished run in the form of another program. */
export const exportCommand: Command = {
  name: 'export',
  summary: 'Write finished runs for other programs: NWB, CaImAn, CSV, MAT, TIFF, ImageJ, NumPy, films, figures',
  usage: 'export <run id | session id>… --format <form> --out <path> [flags]',
  flags: () => [
    { name: 'format', value: 'form', help: `${exportFormats.join(', ')}; npy when absent.` },
    { name: 'out', value: 'path', help: 'File or folder to write.' },
    { name: 'cells', value: 'which', help: 'all (default) or accepted.' },
    { name: 'table', value: 'layout', help: 'csv: tidy (a row a cell and frame, default) or wide (a row a frame).' },
    { name: 'films', value: 'how', help: 'nwb: link to the films (default) or copy them beside the file.' },
    { name: 'metadata', value: 'file', help: 'JSON with subject, session and imaging (docs/export.md).' },
    { name: 'set', value: 'name=value', isRepeatable: true, help: 'One of them, e.g. subject.sex=F; lists with “;”.' },
    {
      name: 'root',
      value: 'folder',
      help: 'caiman, instead of --out: write where element-miniscope looks, root/session_dir/caiman_number.',
    },
    { name: 'paramset', value: 'set', help: 'With --root: the set whose number that is (else the run’s).' },
    {
      name: 'layer',
      value: 'which',
      help: 'avi, mp4: raw, registered (default), residual, cells or background.',
    },
    { name: 'contours', help: 'avi, mp4: draw the outlines of the cells.' },
    { name: 'codec', value: 'which', help: 'avi: ffv1 (default) or grey (uncompressed).' },
    { name: 'first', value: 'frame', help: 'avi, mp4: first frame of the run, from 0.' },
    { name: 'last', value: 'frame', help: 'avi, mp4: last frame of the run.' },
    { name: 'all', help: 'In the place of ids: every session with a finished run.' },
    { name: 'later', help: 'With several ids or --all: only add the jobs; calyx jobs run does them.' },
    { name: 'overwrite', help: 'Replace what is there.' },
    { name: 'check', help: 'Only say what nwbinspector would say.' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, positionals, absolute } = invocation;
  const ids = positionals.filter((each) => Uuid.safeParse(each).success);
  if (ids.length > 1 || flags['all'] === true) return await bulk(invocation, ids);
  const [given, folder, extra] = positionals;
  if (given === undefined)
    throw new AppError('usage.invalid', 'export needs the run’s or the session’s id.', {
      hint: `calyx ${exportCommand.usage}`,
    });
  const root = text(flags, 'root');
  const out = text(flags, 'out') ?? folder ?? (root === undefined ? undefined : '');
  if (extra !== undefined || (folder !== undefined && text(flags, 'out') !== undefined))
    throw new AppError('usage.invalid', `export does not know what to do with “${extra ?? folder ?? ''}”.`, {
      hint: `calyx ${exportCommand.usage}`,
    });
  if (out === undefined && flags['check'] !== true)
    throw new AppError('usage.invalid', 'export needs --out: the file or folder to write.', {
      hint: `calyx ${exportCommand.usage}`,
    });
  const target = runId(given);
  const format = choice(flags, 'format', ExportFormat.options) ?? 'npy';
  const metadata = await readMetadata(invocation);
  if (flags['check'] === true) {
    const { client } = await invocation.connect();
    const checked = await client.interop.check({ target, metadata });
    return { exitCode: exitCodes.ok, json: checked, text: `${checked.fileName}\n${findingsText(checked.findings)}` };
  }
  if (root !== undefined && (format !== 'caiman' || out !== ''))
    throw new AppError('usage.invalid', '--root is for --format caiman, in the place of --out.');
  const { client } = await invocation.connect();
  const destination =
    root === undefined
      ? absolute(out ?? '.')
      : await workflowFile(client, target, absolute(root), text(flags, 'paramset'));
  const options = {
    target,
    format,
    destination,
    metadata,
    cells: choice(flags, 'cells', ['all', 'accepted']),
    table: choice(flags, 'table', ['tidy', 'wide']),
    films: choice(flags, 'films', ['link', 'copy']),
    movie: movieOf(flags),
    overwrite: flags['overwrite'] === true,
  };
  const result = await withProgress(
    invocation,
    client,
    async (ticket, signal) => await client.interop.export({ ...options, ticket }, { signal }),
  );
  return {
    exitCode: exitCodes.ok,
    json: { ...result, folder: result.path },
    text: `${result.components} components, ${result.accepted} accepted, written to ${result.path} (${bytes(result.bytes)})\n${findingsText(result.findings)}`,
  };
}

/** Several sessions or runs: a job each. */
async function bulk(invocation: Invocation, ids: readonly string[]): Promise<Answer> {
  const { flags, positionals, absolute } = invocation;
  const out = text(flags, 'out');
  const other = positionals.find((each) => !ids.includes(each));
  if (out === undefined || other !== undefined || (flags['all'] === true && ids.length > 0))
    throw new AppError(
      'usage.invalid',
      other === undefined
        ? flags['all'] === true && ids.length > 0
          ? 'export takes ids or --all, not both.'
          : 'Several exports need --out: the folder they are written into.'
        : `export does not know what to do with “${other}”.`,
      { hint: `calyx ${exportCommand.usage}` },
    );
  if (flags['check'] === true || text(flags, 'root') !== undefined)
    throw new AppError('usage.invalid', '--check and --root are for one run at a time.');
  const [cells, table, films] = [
    choice(flags, 'cells', ['all', 'accepted']),
    choice(flags, 'table', ['tidy', 'wide']),
    choice(flags, 'films', ['link', 'copy']),
  ];
  const wish = {
    format: choice(flags, 'format', ExportFormat.options) ?? 'npy',
    metadata: await readMetadata(invocation),
    movie: movieOf(flags),
    overwrite: flags['overwrite'] === true,
    ...(cells === undefined ? {} : { cells }),
    ...(table === undefined ? {} : { table }),
    ...(films === undefined ? {} : { films }),
  };
  return await exportMany(invocation, { targets: ids.map(runId), folder: absolute(out), wish });
}

function movieOf(flags: FlagValues): ExportMovie {
  const layer = choice(flags, 'layer', ExportMovie.shape.layer.unwrap().options);
  const codec = choice(flags, 'codec', ExportMovie.shape.codec.unwrap().options);
  const [firstFrame, lastFrame] = [frame(flags, 'first'), frame(flags, 'last')];
  return {
    ...(layer === undefined ? {} : { layer }),
    ...(codec === undefined ? {} : { codec }),
    ...(flags['contours'] === true ? { contours: true } : {}),
    ...(firstFrame === undefined ? {} : { firstFrame }),
    ...(lastFrame === undefined ? {} : { lastFrame }),
  };
}

function frame(flags: FlagValues, name: string): number | undefined {
  const given = text(flags, name);
  if (given === undefined) return undefined;
  if (/^\d{1,9}$/.test(given)) return Number(given);
  throw new AppError('usage.invalid', `--${name} must be a frame’s number, from 0; it is “${given}”.`);
}

/** The file of a run where element-miniscope's workflow looks for it; the folder is made. */
async function workflowFile(
  client: CoreClient,
  target: string,
  root: string,
  parameterSet: string | undefined,
): Promise<string> {
  const { folder } = await client.results.outputDir({
    target,
    method: 'caiman',
    root,
    ...(parameterSet === undefined ? {} : { parameterSet }),
  });
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new AppError('disk.io', `The folder ${folder} cannot be made.`, { cause: error });
  });
  return path.join(folder, `${target}.hdf5`);
}

function choice<const C extends string>(flags: FlagValues, name: string, choices: readonly C[]): C | undefined {
  const given = text(flags, name);
  if (given === undefined) return undefined;
  const found = choices.find((one) => one === given);
  if (found !== undefined) return found;
  throw new AppError('usage.invalid', `--${name} must be one of ${choices.join(', ')}; it is “${given}”.`);
}

const numeric: ReadonlySet<string> = new Set(['excitationNm', 'emissionNm']);
const lists: ReadonlySet<string> = new Set(['experimenter', 'keywords']);

/** What `--metadata` and `--set` say; the latter wins. @throws AppError `usage.invalid` */
async function readMetadata({ flags, absolute }: Invocation): Promise<ExportMetadata> {
  const file = text(flags, 'metadata');
  let value: Record<string, Record<string, unknown>> = {};
  if (file !== undefined) {
    try {
      value = z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .parse(JSON.parse(await readFile(absolute(file), 'utf8')));
    } catch (error) {
      throw new AppError(
        'usage.invalid',
        `--metadata: ${file} cannot be read as JSON with subject, session and imaging.`,
        {
          cause: error,
        },
      );
    }
  }
  for (const given of texts(flags, 'set')) {
    const [, group = '', name = '', content = ''] = /^(\w+)\.(\w+)=(.*)$/s.exec(given) ?? [];
    if (group === '') throw new AppError('usage.invalid', `--set must be like subject.sex=F; it is “${given}”.`);
    const typed = numeric.has(name)
      ? Number(content)
      : lists.has(name)
        ? content.split(';').map((one) => one.trim())
        : content;
    value = { ...value, [group]: { ...value[group], [name]: typed } };
  }
  const parsed = ExportMetadata.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError('usage.invalid', `What --metadata and --set say is not right: ${z.prettifyError(parsed.error)}`, {
    hint: 'docs/export.md lists the names.',
  });
}

function findingsText(findings: readonly ExportFinding[]): string {
  return findings
    .map(({ importance, check, message, remedy }) => `  ${importance} ${check}: ${message} ${remedy}\n`)
    .join('');
}
