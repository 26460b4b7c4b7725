// SPDX-License-Identifier: MIT
/** Scopes and the boards they hang on. See README.md. */
export type { BoardLink } from './board-link.ts';
export { cameraArguments, type CameraWish } from './camera/arguments.ts';
export { camerasSeen } from './camera/seen.ts';
export { openCamera, type Camera, type CameraPicture, type CameraWorld } from './camera/camera.ts';
export {
  type Control,
  readCatalogue,
  resolveSetting,
  scopeType,
  type Catalogue,
  type Resolved,
  type ScopeType,
  type Setting,
} from './catalogue/index.ts';
export { systemClock, type Clock } from './clock.ts';
export { Commutator, type CommutatorLine, type CommutatorOptions } from './commutator/commutator.ts';
export { serialLine } from './commutator/serial-line.ts';
export type { AssemblyCounts } from './miniscope/frame-assembler.ts';
export { blinkBoard, blinkLed } from './miniscope/blink.ts';
export { type Firmware, firmwareWords } from './miniscope/firmware.ts';
export { darkenBoard } from './miniscope/darken.ts';
export { Miniscope, type MiniscopeOptions, type ScopeEvent, type ScopeFrame } from './miniscope/miniscope.ts';
export { faultNames, practiceScope, type FaultName, type PracticeScope } from './simulator/practice.ts';
export { actOnBoard, serveBoard, socketLink, type BoardOperations } from './simulator/board-socket.ts';
export { SimulatedBoard, type Disturbance } from './simulator/board.ts';
export { boardEntry, type FromBoardProcess, type ToBoardProcess } from './simulator/board-messages.ts';
export { ScopeModel, type ScopeState } from './simulator/scope-model.ts';
export { SimulatedLink, type Picture } from './simulator/simulated-link.ts';
export { SimulatedUsbDevice } from './simulator/usb-device.ts';
export { serveUsbredir, type BoardServer, type ServedBoard } from './simulator/usbredir.ts';
export { openLink } from './open-link.ts';
export { isUsbAddress, usbLink } from './usb/link.ts';
export {
  listDevices,
  udevRule,
  udevRuleFile,
  type DeviceList,
  type FoundDevice,
  type UsbBoard,
  type UsbBoards,
} from './usb/listing.ts';
export { followDevices, portNews, systemPorts, type PortWorld } from './usb/port-watch.ts';
