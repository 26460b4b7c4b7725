// SPDX-License-Identifier: MIT

/** Upstream's own example rows (datamodel.md 2.2) for a session of `subject1` that began at a given local time. */
export function workflowCsv(
  sessionDatetime: string,
  sessionDir = 'subject1/session1',
): Readonly<Record<string, string>> {
  const at = `subject1,${sessionDatetime}`;
  return {
    'subjects.csv': 'subject,sex,subject_birth_date,subject_description\nsubject1,M,2021-01-01 00:00:01,Theo\n',
    'sessions.csv': `subject,session_dir,acq_software\nsubject1,${sessionDir},Miniscope-DAQ-V4\n`,
    'behavior_recordings.csv': `subject,session_datetime,filepath\n${at},./user_data/trials.csv\n`,
    'blocks.csv': `subject,session_datetime,block_id,block_start_time,block_stop_time,attribute_name,attribute_value\n${at},1,0,24,type,light\n`,
    'trials.csv':
      'subject,session_datetime,block_id,trial_id,trial_start_time,trial_stop_time,trial_type,attribute_name,attribute_value\n' +
      `${at},1,1,0.193,1.057,stim,lumen,646\n${at},1,2,2,14,stim,lumen,700\n${at},1,2,2,14,stim,tone,A\n`,
    'events.csv': `subject,session_datetime,trial_id,event_start_time,event_type\n${at},1,0.269,right\n${at},2,8,center\n`,
    'alignments.csv':
      'alignment_name,alignment_event_type,alignment_time_shift,start_event_type,start_time_shift,end_event_type,end_time_shift\n' +
      'center_button,center,0,center,-1,center,1\n',
  };
}
