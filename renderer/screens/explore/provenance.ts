// SPDX-License-Identifier: MIT
import type { Provenance } from '../../client/explore.ts';
import type { Fact } from '../../plots/csv.ts';

/** What a saved file says of the runs its numbers come from. */
export function provenanceFacts(runs: readonly Provenance[], now = new Date()): readonly Fact[] {
  const facts: Fact[] = [];
  for (const [index, run] of runs.entries()) {
    const which = runs.length === 1 ? '' : ` ${String.fromCodePoint(65 + index)}`;
    const { curation } = run;
    facts.push(
      [`run${which}`, run.runUuid],
      [
        `session${which}`,
        run.subject === null || run.session.startsWith(run.subject) ? run.session : `${run.subject} ${run.session}`,
      ],
      [`recordings${which}`, run.recordings.join(' ')],
      [
        `curation${which}`,
        curation === null
          ? 'none'
          : `${curation.uuid} version ${String(curation.version)}${curation.frozen ? ' (frozen)' : ''}, ${String(curation.accepted)} accepted, ${String(curation.rejected)} rejected`,
      ],
      [`engine${which}`, run.engineVersion ?? 'not known'],
      [`parameter set${which}`, run.parameterSetUuid],
      [
        `parameters${which}`,
        Object.entries(run.parameters)
          .map(([name, value]) => `${name}=${value === null ? 'automatic' : String(value)}`)
          .join(' '),
      ],
    );
  }
  facts.push(['program', `Calyx ${runs[0]?.programVersion ?? ''}`], ['saved', now.toISOString()]);
  return facts;
}

/** A name for a file: letters, digits and dashes. */
export function fileName(...parts: readonly string[]): string {
  return parts
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}
