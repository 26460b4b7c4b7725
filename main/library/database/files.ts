// SPDX-License-Identifier: MIT
import type { Uuid } from '../../contract/index.ts';
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
    const rows = (of: SideFile['of'], sql: string): readonly SideFile[] =>
      this.#context.database
        .prepare<[], Omit<SideFile, 'of' | 'uuid' | 'file'> & { uuid: Uint8Array; folder: string }>(sql)
        .all()
        .map(({ uuid, folder, ...file }) =>
          Object.assign(file, { of, uuid: uuidText(uuid), file: folder === '' ? file.path : `${folder}/${file.path}` }),
        );
    return [
      ...rows(
        'run',
        `SELECT run.uuid, run.output_folder AS folder, run_array.path, run_array.bytes, run_array.sha256, run_array.state
        FROM run_array JOIN run ON run.id = run_array.run_id ORDER BY run.id, run_array.path`,
      ),
      ...rows(
        'edit',
        `SELECT edit.uuid, edit.folder, edit_file.path, edit_file.bytes, edit_file.sha256, edit_file.state
        FROM edit_file JOIN curation_edit AS edit ON edit.id = edit_file.edit_id ORDER BY edit.id, edit_file.path`,
      ),
      ...rows(
        'proxy',
        `SELECT recording.uuid, '' AS folder, proxy.path, proxy.bytes, proxy.sha256, proxy.state
        FROM recording_proxy AS proxy JOIN recording ON recording.id = proxy.recording_id ORDER BY recording.id`,
      ),
    ];
  }

  unhashedEdits(): readonly { readonly uuid: Uuid; readonly folder: string }[] {
    return this.#context.database
      .prepare<[], { uuid: Uint8Array; folder: string }>(
        `SELECT uuid, folder FROM curation_edit AS edit
        WHERE kind = 'edit' AND NOT EXISTS (SELECT 1 FROM edit_file JOIN curation_edit AS other ON other.id = edit_file.edit_id
          WHERE other.folder = edit.folder) GROUP BY folder ORDER BY id`,
      )
      .all()
      .map(({ uuid, folder }) => ({ uuid: uuidText(uuid), folder }));
  }

  addEditFiles({ uuid, files }: Parameters<FileStore['addEditFiles']>[0]): void {
    writing(this.#context, () => {
      const add = this.#context.database.prepare(
        `INSERT INTO edit_file (edit_id, path, bytes, sha256) SELECT id, ?, ?, ? FROM curation_edit WHERE uuid = ?
        ON CONFLICT DO NOTHING`,
      );
      for (const { path, bytes, sha256 } of files) add.run(path, bytes, sha256, uuidBytes(uuid));
    });
  }

  folders(): readonly string[] {
    return this.#context.database
      .prepare<[], { folder: string }>(
        `SELECT output_folder AS folder FROM run UNION SELECT folder FROM curation_edit WHERE folder IS NOT NULL
        UNION SELECT path FROM recording_proxy UNION SELECT 'films/' || ${uuidSql('session.uuid')} FROM session`,
      )
      .all()
      .map(({ folder }) => folder);
  }

  setState({ of, uuid, path, state }: Parameters<FileStore['setState']>[0]): void {
    const sql = {
      run: 'UPDATE run_array SET state = ? WHERE path = ? AND run_id = (SELECT id FROM run WHERE uuid = ?)',
      edit: 'UPDATE edit_file SET state = ? WHERE path = ? AND edit_id = (SELECT id FROM curation_edit WHERE uuid = ?)',
      proxy:
        'UPDATE recording_proxy SET state = ? WHERE path = ? AND recording_id = (SELECT id FROM recording WHERE uuid = ?)',
    };
    writing(this.#context, () => {
      this.#context.database.prepare(sql[of]).run(state, path, uuidBytes(uuid));
    });
  }
}

/** A uuid's text in SQL. */
function uuidSql(column: string): string {
  const hex = `lower(hex(${column}))`;
  const part = (from: number, length: number): string => `substr(${hex}, ${from}, ${length})`;
  return [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(` || '-' || `);
}
