// SPDX-License-Identifier: MIT
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { startMariadb, type Mariadb } from './mariadb.ts';
import { judgePython, pythonOf, type JudgePython } from './python.ts';
import { repositoryRoot } from './shared.ts';

/** Declares a lab's tables: `declare.py <port> <prefix> <generation>`. */
export const declareFile = path.join(repositoryRoot, 'test', 'interop', 'declare.py');

/** Skips a test, with a reason. */
export type Context = { readonly skip: (note?: string) => never };

/** What a test on a lab's server works with. */
export interface Lab {
  /** A Python with datajoint and the elements. */
  readonly python: string;
  /** Port of a MariaDB on loopback that is the tests' own. */
  readonly port: number;
}

/** Starts a server for the tests of a file; what is given back leaves a test out, with the reason, where Python or MariaDB is missing. */
export function labInTest(): (context: Context) => Lab {
  let judge: JudgePython;
  let server: Mariadb | { readonly missing: string };
  beforeAll(async () => {
    judge = judgePython([
      { file: 'requirements-datajoint.txt' },
      { file: 'requirements-datajoint-alone.txt', alone: true },
    ]);
    server = await startMariadb();
  });
  afterAll(async () => {
    if ('stop' in server) await server.stop();
  });
  return (context) => {
    const python = pythonOf(judge, context);
    if ('missing' in server) return context.skip(server.missing);
    return { python, port: server.port };
  };
}
