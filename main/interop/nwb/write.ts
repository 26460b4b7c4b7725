// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import type { ExportFinding } from '../../contract/index.ts';
import type { ExportJob, ExportRun, OnProgress, WrittenExport } from '../job.ts';
import { readTimeline, type Timeline } from '../timeline.ts';
import { deviceName, writeAcquisition, type PlacedFilms } from './acquisition.ts';
import { nwbFacts, type NwbFacts } from './facts.ts';
import { NwbWriter } from './nwb-writer.ts';
import { writeHappenings } from './events.ts';
import { cellTable, writeResults } from './results.ts';

/**
 * Writes a run as an NWB file (core schema 2.11.0; datamodel.md 3.5) at `job.temporary`. Arrays pass through slab by slab, films are named and
 * not read. Images, masks and films are `x, y` as the schema says; `pixel_mask` is unambiguous.
 *
 * @throws AppError `disk.io`
 */
export async function writeNwb(job: ExportJob, films: PlacedFilms, progress: OnProgress): Promise<WrittenExport> {
  const { run } = job;
  const { facts, findings } = nwbFacts(run, job.metadata);
  const timeline = await readTimeline(run);
  const all = [...findings, ...timelineFindings(timeline), ...resultFindings(run)];
  const nwb = await NwbWriter.create(job.temporary);
  try {
    writeGeneral(nwb, run, facts);
    await writeAcquisition(nwb, run, timeline, films);
    await writeResults(nwb, run, timeline, progress);
    await writeHappenings(nwb, run, timeline, cellTable);
  } finally {
    nwb.close();
  }
  return { files: [], findings: all };
}

/** What nwbinspector would say of the times of a run's frames. */
export function timelineFindings({
  filled,
  disordered,
  laidEndToEnd,
  againstClock,
}: Timeline): readonly ExportFinding[] {
  const findings: ExportFinding[] = [];
  if (filled > 0)
    findings.push({
      importance: 'BEST_PRACTICE_VIOLATION',
      check: 'check_timestamps_without_nans',
      message: `${filled} frames have no time stamp.`,
      remedy: 'Their times are interpolated; bit 6 of the series FrameFlags marks them.',
    });
  if (disordered > 0)
    findings.push({
      importance: 'BEST_PRACTICE_VIOLATION',
      check: 'check_timestamps_ascending',
      message: `${disordered} time stamps are not after the one before.`,
      remedy: 'They are written as they were recorded.',
    });
  if (laidEndToEnd > againstClock)
    findings.push({
      importance: 'BEST_PRACTICE_SUGGESTION',
      check: 'check_timestamps_ascending',
      message: `No clock says how far apart ${laidEndToEnd - againstClock + 1} of the recordings were.`,
      remedy: 'They are laid end to end.',
    });
  if (againstClock > 0)
    findings.push({
      importance: 'BEST_PRACTICE_SUGGESTION',
      check: 'check_timestamps_ascending',
      message: `By their clocks ${againstClock} of the recordings began before the one ahead of them in the run had ended.`,
      remedy:
        'They are laid end to end, in the order of the run; /intervals/epochs names them. Process them in the order in which they were taken.',
    });
  return findings;
}

/** What nwbinspector would say of a run's films and cells. */
export function resultFindings(run: ExportRun): readonly ExportFinding[] {
  const findings: ExportFinding[] = [];
  for (const { device, filmsPresent } of run.recordings) {
    if (filmsPresent) continue;
    findings.push({
      importance: 'CRITICAL',
      check: 'check_image_series_external_file_valid',
      message: `The films of ${device} are no longer where they were imported from.`,
      remedy: 'The file is written without them; connect the disk they lie on and export again.',
    });
  }
  if (run.cells.length === 0)
    findings.push({
      importance: 'BEST_PRACTICE_VIOLATION',
      check: 'check_empty_table',
      message: 'There are no cells to write.',
      remedy: 'The file is written without a segmentation and traces.',
    });
  return findings;
}

function writeGeneral(nwb: NwbWriter, run: ExportRun, facts: NwbFacts): void {
  const { h5 } = nwb;
  const { session, subject, imaging } = facts;
  h5.text('/identifier', `${run.runUuid}-${randomUUID()}`);
  h5.text('/session_description', session.description);
  h5.text('/session_start_time', session.start);
  h5.text('/timestamps_reference_time', session.start);
  h5.texts('/file_create_date', [new Date().toISOString().replace('Z', '+00:00')]);
  const optional = {
    session_id: session.id,
    institution: session.institution,
    lab: session.lab,
    experiment_description: session.experimentDescription,
    protocol: session.protocol,
    surgery: session.surgery,
    virus: session.virus,
    notes: run.session.notes === '' ? null : run.session.notes,
    data_collection: settingsText(run),
  };
  for (const [name, value] of Object.entries(optional)) if (value !== null) h5.text(`/general/${name}`, value);
  if (session.experimenter.length > 0) h5.texts('/general/experimenter', session.experimenter);
  if (session.keywords.length > 0) h5.texts('/general/keywords', session.keywords);
  h5.texts('/general/was_generated_by', ['calyx', run.programVersion], [1, 2]);
  writeSubject(nwb, subject);
  writeDevices(nwb, run);
  h5.group('/general/optophysiology');
  const plane = '/general/optophysiology/ImagingPlane';
  nwb.group(plane, 'ImagingPlane');
  h5.text(`${plane}/description`, imaging.description);
  h5.number(`${plane}/excitation_lambda`, imaging.excitationNm);
  if (run.fps !== null) h5.number(`${plane}/imaging_rate`, run.fps);
  h5.text(`${plane}/indicator`, imaging.indicator);
  h5.text(`${plane}/location`, imaging.location);
  if (run.umPerPx !== null) {
    h5.array(`${plane}/grid_spacing`, Float64Array.of(run.umPerPx * 1e-6, run.umPerPx * 1e-6), [2], { unit: 'meters' });
    h5.text(
      `${plane}/reference_frame`,
      'x to the right and y down in the stored image, origin at the centre of its top-left pixel.',
    );
  }
  nwb.group(`${plane}/OpticalChannel`, 'OpticalChannel');
  h5.text(`${plane}/OpticalChannel/description`, 'Green fluorescence of the indicator.');
  h5.number(`${plane}/OpticalChannel/emission_lambda`, imaging.emissionNm);
  h5.softLink(`${plane}/device`, `/general/devices/${deviceName(run.recordings[0]?.device)}`);
}

function writeSubject(nwb: NwbWriter, subject: NwbFacts['subject']): void {
  const { h5 } = nwb;
  nwb.group('/general/subject', 'Subject');
  const texts = {
    subject_id: subject.id,
    sex: subject.sex,
    species: subject.species,
    description: subject.description,
    date_of_birth: subject.dateOfBirth,
    genotype: subject.genotype,
    strain: subject.strain,
    weight: subject.weight,
  };
  for (const [name, value] of Object.entries(texts)) if (value !== null) h5.text(`/general/subject/${name}`, value);
  if (subject.age !== null) h5.text('/general/subject/age', subject.age, { reference: 'birth' });
}

/** Every scope of the run's recordings, and its type. */
function writeDevices(nwb: NwbWriter, run: ExportRun): void {
  const { h5 } = nwb;
  h5.group('/general/devices');
  h5.group('/general/devices/models');
  const models = new Set<string>();
  const devices = new Set<string>();
  for (const { device, deviceType } of run.recordings) {
    const type = deviceType ?? 'Miniscope';
    const model = `/general/devices/models/${deviceName(type)}`;
    if (!models.has(model))
      nwb.group(model, 'DeviceModel', {
        manufacturer: 'Open-source Miniscope project',
        description: `Head-mounted one-photon microscope of type ${type}.`,
      });
    models.add(model);
    const place = `/general/devices/${deviceName(device)}`;
    if (devices.has(place)) continue;
    devices.add(place);
    nwb.group(place, 'Device', {
      description: `Miniscope “${device}” of type ${type}. Settings of each recording are in the comments of its series.`,
    });
    h5.softLink(`${place}/model`, model);
  }
}

function settingsText(run: ExportRun): string {
  return `Cells found by Calyx ${run.programVersion} (engine ${run.engineVersion ?? 'unknown'}), run ${run.runUuid} of ${run.createdAt}. Curation: ${run.curation}. Parameters: ${JSON.stringify(run.parameters)}`;
}
