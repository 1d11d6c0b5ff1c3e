/** A duration for people: `0.03 s`, `1.2 s`, `42.1 s`, `1m 20s`, `1h 02m`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.095) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  return formatWholeSeconds(seconds);
}

/** A duration that is only known roughly: `15 s`, `1m 20s`, `1h 02m`. */
export function formatWholeSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${twoDigits(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${twoDigits(minutes % 60)}m`;
}

/** A time that is only expected: with a decimal as long as that says something. */
export function formatRoughSeconds(seconds: number): string {
  return seconds < 9.95 ? formatSeconds(seconds) : formatWholeSeconds(seconds);
}

/** A number for people: 4 significant digits, whole numbers whole, tiny ones as 3e-5. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) < 1e-3 ? rounded.toExponential() : String(rounded);
}

const units = ["bytes", "KB", "MB", "GB", "TB"] as const;

/** A size for people, in powers of 1000: `812 bytes`, `18.2 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes === 1) return "1 byte";
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A moment as `2026-11-23 13:35 UTC`, from its ISO 8601 form. */
export function formatInstant(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** A count with its noun: `1 stage`, `3 stages`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
