// SPDX-License-Identifier: MIT
import animals from './animals.module.css';
import diagram from './diagram.module.css';
import ingest from './ingest.module.css';
import query from './query.module.css';
import tables from './tables.module.css';

/** The classes of the Library's rooms, from the files of each. */
export const rooms: Readonly<Record<string, string>> = { ...animals, ...tables, ...ingest, ...diagram, ...query };
