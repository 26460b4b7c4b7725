// SPDX-License-Identifier: MIT
/** Runs and decisions on their way between libraries. See README.md. */
export { createTravelHandlers, type TravelDependencies } from './handlers.ts';
export { sweepStages } from './unpack.ts';
