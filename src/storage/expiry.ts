/**
 * Azure Tables has no expiry. A row that expires at a known time has the hour
 * in which it does as its partition key, so that the purge reads only what is
 * due. The hour is part of the row's public id too: a read is a point read.
 */

const HOUR_MS = 3_600_000;

/** The six digits of the hour in which `expiresAt` (milliseconds) lies, counted from the epoch; they sort by time. */
export function expiryHour(expiresAt: number): string {
  return String(Math.floor(expiresAt / HOUR_MS)).padStart(6, '0');
}

/** Whether a text has the form of {@link expiryHour}. */
export function isExpiryHour(text: string): boolean {
  return /^\d{6}$/.test(text);
}

/** The hour in which `at` (milliseconds) lies, in six digits that sort backwards: a query by them finds the newest first. */
export function backwardHour(at: number): string {
  return String(999_999 - Math.floor(at / HOUR_MS)).padStart(6, '0');
}

/** A time in milliseconds, in thirteen digits that sort backwards. */
export function backwardTime(at: number): string {
  return String(9_999_999_999_999 - at).padStart(13, '0');
}
