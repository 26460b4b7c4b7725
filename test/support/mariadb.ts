// SPDX-License-Identifier: MIT
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A database server of our own on the loopback, with the user `lab` and the password `secret`. */
export interface Mariadb {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

const startMs = 60_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection({ host: '127.0.0.1', port });
  return await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

/** Starts one in a temporary folder, with the character set that older servers have. Gives why there is none where it is not installed. */
export async function startMariadb(): Promise<Mariadb | { readonly missing: string }> {
  if (spawnSync('mariadb-install-db', ['--help']).error !== undefined)
    return { missing: 'mariadb-server is not installed (Debian: apt-get install mariadb-server)' };
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-mariadb-'));
  const data = path.join(folder, 'data');
  const user = `--user=${userInfo().username}`;
  const made = spawnSync(
    'mariadb-install-db',
    ['--no-defaults', user, `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`The database could not be made:\n${made.stdout}${made.stderr}`);
  const port = await freePort();
  const log = path.join(folder, 'log');
  const options = ['--no-defaults', user, `--datadir=${data}`, `--socket=${path.join(folder, 's')}`, `--port=${port}`];
  const server = spawn(
    'mariadbd',
    [...options, '--bind-address=127.0.0.1', '--character-set-server=latin1', '--innodb-buffer-pool-size=64M'],
    { stdio: ['ignore', openSync(log, 'w'), openSync(log, 'a')] },
  );
  const exited = once(server, 'exit');
  const until = Date.now() + startMs;
  while (!(await answers(port))) {
    if (server.exitCode !== null || Date.now() > until)
      throw new Error(`The server did not start:\n${readFileSync(log, 'utf8')}`);
    await pause(100);
  }
  const sql = "create user 'lab'@'127.0.0.1' identified by 'secret'; grant all on *.* to 'lab'@'127.0.0.1'";
  const granted = spawnSync(
    'mariadb',
    ['--no-defaults', `--socket=${path.join(folder, 's')}`, '-u', 'root', '-e', sql],
    { encoding: 'utf8' },
  );
  if (granted.status !== 0) throw new Error(granted.stderr);
  return {
    port,
    stop: async () => {
      server.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
