// This file writes numbers for a reader, and has small functions of numbers.

/**
 * Return a value, or the nearest end of [low, high] where the value lies outside.
 * @type {(value: number, low: number, high: number) => number}
 */
export const bounded = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * Return the whole numbers from 0 to count - 1.
 * @type {(count: number) => number[]}
 */
export const range = (count) => Array.from({ length: count }, (_, place) => place);

/**
 * Return whether a series has no other values than 0 and 1.
 * @param {Series | undefined} series
 * @returns {series is number[]}
 */
export const isBinary = (series) => series?.every((value) => value === 0 || value === 1) ?? false;

/**
 * Return whether a value is a finite number.
 * @param {unknown} value
 * @returns {value is number}
 */
export const isNumber = (value) => Number.isFinite(value);

/**
 * Write a number with its sign and two decimals.
 * @type {(value: number | null | undefined) => string}
 */
export function signed(value) {
  if (value === null || value === undefined) return "not recorded";
  return (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);
}

/**
 * Write a number with about three digits, without an exponent, and with a real minus sign.
 * @type {(value: number | null | undefined) => string}
 */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en", { maximumFractionDigits: digits }).replace("-", "\u2212");
}

/**
 * Write a whole number with commas between thousands.
 * @type {(count: number) => string}
 */
export const counted = (count) => count.toLocaleString("en");
