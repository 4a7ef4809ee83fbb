import type { WriteErrno } from './outcome';

const U64 = (1n << 64n) - 1n;
const S64 = (1n << 63n) - 1n;

/** kstrtoull(text, 0): hexadecimal and octal too, one newline at the end, no blanks (lib/kstrtox.c). */
export function parseUnsigned(text: string): bigint | WriteErrno {
  const match = /^\+?(0x[0-9a-f]+|\d+)\n?$/i.exec(text);
  if (!match) return 'EINVAL';
  const digits = match[1]!;
  const isOctal = /^0\d/.test(digits);
  if (isOctal && /[89]/.test(digits)) return 'EINVAL';
  const value = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  return value > U64 ? 'ERANGE' : value;
}

/** kstrtoll(text, 0) */
export function parseSigned(text: string): bigint | WriteErrno {
  const isNegative = text.startsWith('-');
  if (isNegative && text.startsWith('-+')) return 'EINVAL';
  const value = parseUnsigned(isNegative ? text.slice(1) : text);
  if (typeof value === 'string') return value;
  if (value > (isNegative ? S64 + 1n : S64)) return 'ERANGE';
  return isNegative ? -value : value;
}
