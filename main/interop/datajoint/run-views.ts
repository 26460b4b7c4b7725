// SPDX-License-Identifier: MIT

/** Views that hold a run's rows, parents before children: written as they are, made anew from the result where they are read. */
export const viewsOfRun = [
  'ProcessingTask',
  'Processing',
  'Curation',
  'MotionCorrection',
  'MotionCorrection_RigidMotionCorrection',
  'MotionCorrection_NonRigidMotionCorrection',
  'MotionCorrection_Block',
  'MotionCorrection_Summary',
  'Segmentation',
  'Segmentation_Mask',
  'MaskClassification',
  'MaskClassification_MaskType',
  'Fluorescence',
  'Fluorescence_Trace',
  'Activity',
  'Activity_Trace',
  'ProcessingQualityMetrics',
  'ProcessingQualityMetrics_Trace',
] as const;
