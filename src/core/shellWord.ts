import { encodeBytes } from './parse/bytes';
import { visible } from './visible';

/**
 * One word for a POSIX shell, whatever it holds: single quotes, and what a person cannot see (controls, bidirectional
 * marks, bytes that are no text) spelled in octal, so that it can be read, copied and pasted. Only a newline stays what it is.
 */
export function shellWord(text: string): string {
  const parts = text.split(/((?:[^\p{L}\p{M}\p{N}\p{P}\p{S} \n])+)/u); // seen and unseen by turns
  const words = parts.map((part, i) => (i % 2 === 0 ? (part === '' ? '' : `'${part.replaceAll("'", "'\\''")}'`) : `"$(printf '${octal(part)}')"`));
  return words.join('') || "''";
}

/** A command as a person may paste it into a shell: a machine may be called `$(reboot)`, and systemd's units have backslashes. */
export function commandText(argv: readonly string[]): string {
  return argv.map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : visible(shellWord(word)))).join(' ');
}

function octal(text: string): string {
  return [...encodeBytes(text)].map(byte => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
