// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { captureApis, contractVersion, coreApis, errorCodes, mediaApis } from '../../main/contract/index.ts';

/** The whole contract as JSON: every procedure with the JSON schemas of what goes in and comes out. */
export function describeContract(): unknown {
  const procedures: Record<string, unknown> = {};
  for (const api of [...Object.values(coreApis), ...Object.values(mediaApis), ...Object.values(captureApis)]) {
    for (const [name, procedure] of Object.entries(api.procedures)) {
      const update = z.toJSONSchema(procedure.update, { io: 'input' });
      procedures[`${api.domain}.${name}`] = {
        verb: procedure.verb,
        audience: procedure.audience,
        ...(procedure.remote ? { remote: true } : {}),
        doc: procedure.doc,
        input: z.toJSONSchema(procedure.input, { io: 'input' }),
        output: z.toJSONSchema(procedure.output, { io: 'output' }),
        ...(procedure.verb === 'stream' ? { update } : {}),
      };
    }
  }
  return { version: contractVersion, errorCodes, procedures };
}
