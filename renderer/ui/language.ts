// SPDX-License-Identifier: MIT
/**
 * Some systems give the browser a language that is none (`en-US@posix`); uPlot asks for number formats in it while it is being
 * loaded and would take the page down. Import this before uPlot.
 */
try {
  new Intl.NumberFormat(navigator.language).format(0);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
