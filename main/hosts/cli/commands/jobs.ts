// SPDX-License-Identifier: MIT
import { AppError, JobState, jobStates, type JobRow, type PendingJob, Uuid } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { positive, text, texts, type Answer, type Command, type FlagValues, type Invocation } from '../command.ts';
import type { CoreClient } from '../connection.ts';
import { inputOf, stepNames, steps } from '../job-worker.ts';
import { workOff } from '../work-off.ts';

/** `jobs`: what is to be done, and what became of it. */
export const jobsCommand: Command = {
  name: 'jobs',
  summary: 'List jobs, add and run them, retry, ignore or cancel them',
  usage:
    'jobs [list | show <id> | add <recording or run id>… | run [id…] | retry <id…> | ignore <id…> | cancel <id…>] [flags]',
  flags: () => [
    { name: 'state', value: 'state', isRepeatable: true, help: `Only jobs that are ${jobStates.join(', ')}.` },
    { name: 'limit', value: 'n', help: 'At most so many jobs.' },
    { name: 'pending', help: 'run: add a job for everything that has no result yet, then run.' },
    { name: 'dry-run', help: 'run: only show the list of what would run.' },
    { name: 'order', value: 'order', help: 'run: priority (when absent), oldest or newest first.' },
    { name: 'priority', value: 'n', help: 'add, run --pending: lower first (5 when absent).' },
    { name: 'after', value: 'id', isRepeatable: true, help: 'add: only when that job has succeeded.' },
    { name: 'failed', help: 'retry, ignore: all jobs that failed.' },
    { name: 'step', value: 'step', help: `add: ${stepNames.join(', ')} (process when absent). list: only these.` },
    { name: 'params', value: 'file', help: 'add: parameters of a file, as for process.' },
    { name: 'preset', value: 'name', help: 'add: a named set of parameters, as for process.' },
    { name: 'paramset', value: 'set', help: 'add: a parameter set of the library; load: the one it was made with.' },
    { name: 'from', value: 'path', help: 'add --step load: the result (else it is looked for, see import).' },
    { name: 'root', value: 'folder', help: 'add --step load: where results lie, for one that is looked for.' },
    { name: 'format', value: 'form', help: 'add --step export: as for export.' },
    {
      name: 'out',
      value: 'path',
      help: 'add --step export: file or folder to write (calyx export with several ids adds such jobs, too).',
    },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const [verb = 'list', ...ids] = invocation.positionals;
  const act = verbs[verb];
  if (act === undefined)
    throw new AppError('usage.invalid', `jobs does not know “${verb}”.`, { hint: `calyx ${jobsCommand.usage}` });
  for (const id of ids)
    if (!Uuid.safeParse(id).success)
      throw new AppError('job.not_found', `“${id}” is no id.`, { hint: 'calyx jobs lists the jobs with their ids.' });
  limitOf(invocation.flags);
  const states = texts(invocation.flags, 'state').map(stateOf);
  const { client } = await invocation.connect();
  return await act({ invocation, client, ids, states });
}

interface Call {
  readonly invocation: Invocation;
  readonly client: CoreClient;
  readonly ids: readonly string[];
  readonly states: readonly JobState[];
}

const verbs: Readonly<Record<string, (call: Call) => Promise<Answer>>> = {
  list: async ({ invocation, client, states }) =>
    answer(
      await client.jobs.list({
        limit: limitOf(invocation.flags) ?? 1000,
        ...(text(invocation.flags, 'step') === undefined ? {} : { step: stepOf(invocation.flags) }),
        ...(states.length === 0 ? {} : { states: [...states] }),
      }),
    ),
  show: async ({ client, ids }) => {
    const detail = await client.jobs.get({ jobUuid: one(ids) });
    const attempts = detail.attempts.map(
      ({ number, worker, startedAt, outcome, message, log }) =>
        `  attempt ${number} by ${worker} at ${startedAt}: ${outcome ?? 'under way'}${message === null ? '' : `: ${message}`}\n${log}`,
    );
    return { exitCode: exitCodes.ok, json: detail, text: `${line(detail.job)}${attempts.join('')}` };
  },
  add: async ({ invocation, client, ids }) => {
    const step = stepOf(invocation.flags);
    const needs = [...texts(invocation.flags, 'after')];
    // What follows a job is done to the run that job makes.
    const targets = ids.length === 0 && step !== 'process' && needs[0] !== undefined ? [`job:${needs[0]}`] : ids;
    if (targets.length === 0)
      throw new AppError('usage.invalid', `jobs add needs the id of a ${steps[step].target}.`, {
        hint: 'Or --after a job that makes it.',
      });
    const input = await inputOf(invocation, step);
    const common = { step, needs, input, ...priorityOf(invocation.flags) };
    const { jobs } = await client.jobs.add({ jobs: targets.map((target) => Object.assign({ target }, common)) });
    return answer(jobs);
  },
  run: (call) => runJobs(call),
  retry: async ({ invocation, client, ids }) =>
    answer((await client.jobs.retry({ jobUuids: await chosen(client, ids, invocation.flags) })).jobs),
  ignore: async ({ invocation, client, ids }) =>
    answer((await client.jobs.ignore({ jobUuids: await chosen(client, ids, invocation.flags) })).jobs),
  cancel: async ({ invocation, client, ids }) =>
    answer((await client.jobs.cancel({ jobUuids: await chosen(client, ids, invocation.flags) })).jobs),
};

const limitOf = (flags: FlagValues): number | undefined => positive(flags, 'limit', 'whole number');

function priorityOf(flags: FlagValues): { readonly priority?: number } {
  const priority = positive(flags, 'priority', 'whole number');
  return priority === undefined ? {} : { priority };
}

function stepOf(flags: FlagValues): keyof typeof steps {
  const given = text(flags, 'step') ?? 'process';
  const found = stepNames.find((name) => name === given);
  if (found !== undefined) return found;
  throw new AppError('usage.invalid', `“${given}” is no step of a job.`, { hint: `Steps: ${stepNames.join(', ')}.` });
}

function stateOf(given: string): JobState {
  const parsed = JobState.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new AppError('usage.invalid', `“${given}” is no state of a job.`, { hint: `States: ${jobStates.join(', ')}.` });
}

function one(ids: readonly string[]): string {
  const [id, extra] = ids;
  if (id === undefined || extra !== undefined) throw new AppError('usage.invalid', 'jobs show needs one job’s id.');
  return id;
}

async function chosen(client: CoreClient, ids: readonly string[], flags: FlagValues): Promise<string[]> {
  if (flags['failed'] === true && ids.length === 0) {
    const failed = await client.jobs.list({ states: ['failed'] });
    if (failed.length > 0) return failed.map(({ uuid }) => uuid);
    throw new AppError('job.not_found', 'No job has failed.');
  }
  if (ids.length === 0) throw new AppError('usage.invalid', 'The job’s id is missing.');
  return [...ids];
}

const line = ({ uuid, state, step, name, target, attempts, error }: JobRow): string =>
  `${uuid}  ${state.padEnd(9)}  ${step}  ${name === '' ? target : name}  attempt ${attempts}${error === null ? '' : `  ${error.class}: ${error.message}`}\n`;

const answer = (jobs: readonly JobRow[], more: object = {}, exitCode: number = exitCodes.ok): Answer => ({
  exitCode,
  json: { jobs, ...more },
  text: jobs.length === 0 ? 'No jobs.\n' : jobs.map(line).join(''),
});

/** Shows the exact list, then works it off, one after another. */
async function runJobs({ invocation, client, ids }: Call): Promise<Answer> {
  const { flags, terminal, json, signal } = invocation;
  const order = text(flags, 'order') ?? 'priority';
  if (order !== 'priority' && order !== 'oldest' && order !== 'newest')
    throw new AppError('usage.invalid', `--order must be priority, oldest or newest; it is “${order}”.`);
  const limit = limitOf(flags) ?? 10_000;
  const pending = flags['pending'] === true ? await client.jobs.pending({ limit: Math.min(limit, 10_000) }) : [];
  const dry = flags['dry-run'] === true;
  if (pending.length > 0 && !dry)
    await client.jobs.add({ jobs: pending.map((job) => ({ ...job, ...priorityOf(flags) })) });
  const open = (await client.jobs.list({ states: ['queued', 'claimed', 'running', 'blocked'], limit: 10_000 })).filter(
    ({ step, uuid }) => step in steps && (ids.length === 0 || ids.includes(uuid)),
  );
  const list = inTurn(open.toSorted(comparing[order]), await succeededOf(client, open)).slice(0, limit);
  if (dry) {
    const { jobs, text, added } = preview(list, pending, { order, limit, ...priorityOf(flags) });
    return {
      exitCode: exitCodes.ok,
      json: { jobs, pending: added, dryRun: true },
      text: text === '' ? 'Nothing to do.\n' : text,
    };
  }
  if (!json) terminal.err(list.map(line).join(''));
  const done = await workOff(invocation, client, list, line);
  const bad = done.some(({ state }) => state !== 'succeeded');
  return answer(done, {}, signal.aborted ? exitCodes.cancelled : bad ? exitCodes.incomplete : exitCodes.ok);
}

/** The exact list: jobs that are there, and where those that would be added come among them. */
function preview(
  list: readonly JobRow[],
  pending: readonly PendingJob[],
  { order, limit, priority = 5 }: { readonly order: string; readonly limit: number; readonly priority?: number },
): { readonly jobs: readonly JobRow[]; readonly added: readonly PendingJob[]; readonly text: string } {
  // What is added now is the newest: at the end of its priority, or of all, or before all.
  const before =
    order === 'newest' ? 0 : order === 'oldest' ? list.length : list.filter((job) => job.priority <= priority).length;
  const middle = order === 'newest' ? pending.toReversed() : pending;
  const all = [...list.slice(0, before), ...middle, ...list.slice(before)].slice(0, limit);
  const isJob = (each: JobRow | PendingJob): each is JobRow => 'uuid' in each;
  return {
    jobs: all.filter(isJob),
    added: all.filter((each) => !isJob(each)),
    text: all.map((each) => (isJob(each) ? line(each) : `pending    ${each.step}  ${each.name}\n`)).join(''),
  };
}

/** Jobs that others waited for and that are done. */
async function succeededOf(client: CoreClient, open: readonly JobRow[]): Promise<Set<string>> {
  const here = new Set(open.map(({ uuid }) => uuid));
  const needed = new Set(open.flatMap(({ needs }) => needs).filter((uuid) => !here.has(uuid)));
  const done = new Set<string>();
  for (const jobUuid of needed) if ((await client.jobs.get({ jobUuid })).job.state === 'succeeded') done.add(jobUuid);
  return done;
}

/** Jobs in the given order, those that wait for others after them; those that wait for what is not in the list are left out. */
function inTurn(jobs: readonly JobRow[], done: ReadonlySet<string>): JobRow[] {
  const turn: JobRow[] = [];
  const inList = new Set(done);
  let waiting = [...jobs];
  for (;;) {
    const next = waiting.find(({ state, needs }) => state !== 'blocked' || needs.every((uuid) => inList.has(uuid)));
    if (next === undefined) return turn;
    turn.push(next);
    inList.add(next.uuid);
    waiting = waiting.filter((job) => job !== next);
  }
}

const comparing: Readonly<Record<'priority' | 'oldest' | 'newest', (a: JobRow, b: JobRow) => number>> = {
  priority: (a, b) => a.priority - b.priority || a.createdAt.localeCompare(b.createdAt) || a.uuid.localeCompare(b.uuid),
  oldest: (a, b) => a.uuid.localeCompare(b.uuid),
  newest: (a, b) => b.uuid.localeCompare(a.uuid),
};
