// SPDX-License-Identifier: MIT
/** Numbers and times as they are shown: one precision a column, thousands with a comma, a real minus, `–` for unknown. */

/** What stands for a value nobody knows. */
export const unknown = '–';

/** A whole number with thousands separators. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return unknown;
  const digits = String(Math.round(Math.abs(value))).replace(/\B(?=(\d{3})+$)/g, ',');
  return value < 0 && digits !== '0' ? `−${digits}` : digits;
}

/** A number with a fixed number of decimals. */
export function decimal(value: number | null | undefined, places: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return unknown;
  const text = Math.abs(value).toFixed(places);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Seconds as `m:ss`, or `h:mm:ss` from an hour on. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return unknown;
  const whole = Math.round(Math.abs(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, '0');
  const body =
    hours > 0 ? `${String(hours)}:${String(minutes).padStart(2, '0')}:${rest}` : `${String(minutes)}:${rest}`;
  return seconds < 0 && whole > 0 ? `−${body}` : body;
}

/** Seconds as a clock with tenths, `hh:mm:ss.d`, for telemetry. */
export function clock(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return unknown;
  const tenths = Math.round(Math.abs(seconds) * 10);
  const two = (value: number): string => String(value).padStart(2, '0');
  const whole = Math.floor(tenths / 10);
  const sign = seconds < 0 && tenths > 0 ? '−' : '';
  return `${sign}${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${String(tenths % 10)}`;
}

/** An estimate of a time: `about 20 s`, `about 2 min`, `about 1 h 10 min`. */
export function about(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return unknown;
  if (seconds < 8) return 'a few seconds';
  if (seconds < 55) return `about ${String(Math.round(seconds / 5) * 5)} s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `about ${String(minutes)} min`;
  const tens = Math.round(minutes / 10) * 10;
  const rest = tens % 60;
  return rest === 0 ? `about ${String(tens / 60)} h` : `about ${String(Math.floor(tens / 60))} h ${String(rest)} min`;
}

/** How long something took: `0.4 s`, `12 s`, `3 min 20 s`. */
export function took(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return unknown;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${String(Math.round(seconds))} s`;
  return `${String(Math.floor(seconds / 60))} min ${String(Math.round(seconds % 60))} s`;
}

/** Bytes as `40 kB`, `612 MB` or `3.1 GB` (powers of 1024, the way limits are typed). */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return unknown;
  const mega = value / (1024 * 1024);
  if (mega < 0.1) return `${String(Math.ceil(value / 1024))} kB`;
  if (mega < 10) return `${mega.toFixed(1)} MB`;
  if (mega < 1000) return `${String(Math.round(mega))} MB`;
  return `${(mega / 1024).toFixed(1)} GB`;
}

/** A fraction as whole percent, `62 %`. */
export function percent(fraction: number | null | undefined): string {
  if (fraction === null || fraction === undefined || !Number.isFinite(fraction)) return unknown;
  return `${String(Math.round(fraction * 100))} %`;
}

/** One noun or several: `plural(1, 'cell')` → `1 cell`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** An ISO time as `2026-11-20 12:03`: by the clock of the place whose offset from UTC is given, else by this machine's. */
export function dateTime(iso: string | null | undefined, tzOffsetMin: number | null = null): string {
  if (iso === null || iso === undefined) return unknown;
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return unknown;
  if (tzOffsetMin !== null)
    return new Date(date.getTime() + tzOffsetMin * 60_000).toISOString().slice(0, 16).replace('T', ' ');
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** An ISO time as local `12:03:20`. */
export function timeOfDay(iso: string | number): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return unknown;
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
