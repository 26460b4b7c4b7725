// SPDX-License-Identifier: MIT
import type { FileStore, SideFile } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';

/** Files and folders that rows name. */
export class FileTables implements Sync<FileStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  sideFiles(): readonly SideFile[] {
    return this.#context.database
      .prepare<[], Omit<SideFile, 'runUuid' | 'file'> & { uuid: Uint8Array; folder: string }>(
        `SELECT run.uuid, run.output_folder AS folder, run_array.path, run_array.bytes, run_array.sha256, run_array.state
        FROM run_array JOIN run ON run.id = run_array.run_id ORDER BY run.id, run_array.path`,
      )
      .all()
      .map(({ uuid, folder, ...file }) =>
        Object.assign(file, { runUuid: uuidText(uuid), file: `${folder}/${file.path}` }),
      );
  }

  folders(): readonly string[] {
    return this.#context.database
      .prepare<[], { folder: string }>(
        'SELECT output_folder AS folder FROM run UNION SELECT folder FROM curation_edit WHERE folder IS NOT NULL',
      )
      .all()
      .map(({ folder }) => folder);
  }

  setState({ runUuid, path, state }: Parameters<FileStore['setState']>[0]): void {
    writing(this.#context, () => {
      this.#context.database
        .prepare('UPDATE run_array SET state = ? WHERE path = ? AND run_id = (SELECT id FROM run WHERE uuid = ?)')
        .run(state, path, uuidBytes(runUuid));
    });
  }
}
