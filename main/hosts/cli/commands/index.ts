// SPDX-License-Identifier: MIT
import type { Command } from '../command.ts';
import { agreementCommand } from './agreement.ts';
import { alignCommand } from './align.ts';
import { backupCommand } from './backup.ts';
import { clockCommand } from './clock.ts';
import { curateCommand } from './curate.ts';
import { deleteCommand } from './delete.ts';
import { devicesCommand } from './devices.ts';
import { diagramCommand } from './diagram.ts';
import { doctorCommand } from './doctor.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { ingestCommand } from './ingest.ts';
import { jobsCommand } from './jobs.ts';
import { learnCommand } from './learn.ts';
import { matchCommand } from './match.ts';
import { packCommand } from './pack.ts';
import { paramsCommand } from './params.ts';
import { planCommand } from './plan.ts';
import { positionCommand } from './position.ts';
import { processCommand } from './process.ts';
import { queryCommand } from './query.ts';
import { publishCommand } from './publish.ts';
import { qualityCommand } from './quality.ts';
import { recordCommand } from './record.ts';
import { recoverCommand } from './recover.ts';
import { relinkCommand } from './relink.ts';
import { runsCommand } from './runs.ts';
import { serveCommand } from './serve.ts';
import { sessionsCommand } from './sessions.ts';
import { sqlCommand } from './sql.ts';
import { stackCommand } from './stack.ts';
import { unpackCommand } from './unpack.ts';
import { verifyCommand } from './verify.ts';

/** Every command; one file each in this folder. */
export const commands: readonly Command[] = [
  importCommand,
  ingestCommand,
  sessionsCommand,
  planCommand,
  processCommand,
  paramsCommand,
  runsCommand,
  qualityCommand,
  clockCommand,
  curateCommand,
  alignCommand,
  positionCommand,
  exportCommand,
  publishCommand,
  packCommand,
  unpackCommand,
  matchCommand,
  agreementCommand,
  learnCommand,
  queryCommand,
  sqlCommand,
  diagramCommand,
  jobsCommand,
  deleteCommand,
  backupCommand,
  serveCommand,
  recordCommand,
  stackCommand,
  recoverCommand,
  relinkCommand,
  verifyCommand,
  devicesCommand,
  doctorCommand,
];
