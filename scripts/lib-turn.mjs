// SPDX-License-Identifier: MIT
// One set-up at a time in a folder. Plain JavaScript without dependencies: Node 20 runs it before anything is installed.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const lookMs = 250;
/** A file that names nobody yet is being written. */
const writingMs = 5000;

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether whoever made the file is at work. */
function isHeld(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return pid > 0 ? lives(pid) : Date.now() - statSync(file).mtimeMs < writingMs;
  } catch {
    return false;
  }
}

/**
 * Waits until nobody else has the turn that a file stands for, and takes it until this process ends or the returned function is called. One that died without a word
 * has it no longer.
 * @param {string} file
 * @param {() => void} onWait called once when there is somebody to wait for
 * @param {(ms: number) => Promise<unknown>} wait
 * @returns {Promise<() => void>}
 */
export async function takeTurn(file, onWait, wait = sleep) {
  for (let isTold = false; ;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      const leave = () => rmSync(file, { force: true });
      process.once('exit', leave);
      return () => {
        process.off('exit', leave);
        leave();
      };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isHeld(file)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!isTold) onWait();
    isTold = true;
    await wait(lookMs);
  }
}
