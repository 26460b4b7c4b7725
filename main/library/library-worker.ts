// SPDX-License-Identifier: MIT
import { hostname } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../contract/index.ts';
import { openStores, type Stores } from './database/stores.ts';
import { partSize, storeNames, type FromWorker, type ToWorker, type WorkerSettings } from './protocol.ts';

/** The database worker: the only place where the library's file is open for writing. Calls are served one after another. */

const port = parentPort;
if (port === null) throw new Error('library-worker is started as a worker by library.ts');
const settings = workerData as WorkerSettings;
const send = (message: FromWorker): void => {
  port.postMessage(message);
};

/** Lists on their way out, by call. */
const pending = new Map<number, { readonly items: readonly unknown[]; next: number }>();

function sendPart(id: number): void {
  const list = pending.get(id);
  if (list === undefined) return;
  const items = list.items.slice(list.next, list.next + partSize);
  list.next += partSize;
  const last = list.next >= list.items.length;
  if (last) pending.delete(id);
  send({ type: 'part', id, items, last });
}

function call(stores: Stores, message: Extract<ToWorker, { readonly type: 'call' }>): void {
  const { id, store, method, args } = message;
  try {
    if (!storeNames.includes(store)) throw new AppError('rpc.unknown_procedure', `The library has no ${store}.`);
    const table: object = stores[store];
    const procedure: unknown = Reflect.get(table, method);
    if (typeof procedure !== 'function' || !Object.hasOwn(Object.getPrototypeOf(table) as object, method)) {
      throw new AppError('rpc.unknown_procedure', `The library has no ${store}.${method}.`);
    }
    const value: unknown = Reflect.apply(procedure, table, args);
    if (Array.isArray(value) && value.length > partSize) {
      pending.set(id, { items: value, next: 0 });
      sendPart(id);
    } else {
      send({ type: 'value', id, value });
    }
  } catch (error) {
    send({ type: 'error', id, error: stores.toError(error).toData() });
  }
}

function start(): void {
  let stores: Stores;
  try {
    stores = openStores({ ...settings, host: hostname() });
  } catch (error) {
    send({ type: 'refused', error: AppError.from(error).toData() });
    port?.close();
    return;
  }
  send({ type: 'opened', readOnly: stores.readOnly, recovered: stores.recovered });
  port?.on('message', (message: ToWorker) => {
    if (message.type === 'call') call(stores, message);
    else if (message.type === 'more') sendPart(message.id);
    else {
      stores.close();
      send({ type: 'closed' });
      port?.close();
    }
  });
}

start();
