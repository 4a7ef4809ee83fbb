import { encodeBytes } from './parse/bytes';

/**
 * One word for a POSIX shell, whatever it holds: single quotes, and what a person cannot see (controls, bidirectional
 * marks, bytes that are no text) spelled in octal, so that it can be read, copied and pasted. Only a newline stays what it is.
 */
export function shellWord(text: string): string {
  const parts = text.split(/((?:[^\p{L}\p{M}\p{N}\p{P}\p{S} \n])+)/u); // seen and unseen by turns
  const words = parts.map((part, i) => (i % 2 === 0 ? (part === '' ? '' : `'${part.replaceAll("'", "'\\''")}'`) : `"$(printf '${octal(part)}')"`));
  return words.join('') || "''";
}

/** With a dot behind it: a shell drops each newline at the end of what it is given by `$(…)`. */
const NEWLINE = { made: "newline=$(printf '\\n.'); ", word: '"${newline%.}"' };

/**
 * A command as a person may paste it into a shell, in one line: a machine may be called `$(reboot)`, and systemd's units
 * have backslashes. Where a word has a newline, another command before it keeps one.
 */
export function commandText(argv: readonly string[]): string {
  const words = argv.map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : word.split('\n').map(line => line && shellWord(line)).join(NEWLINE.word) || "''"));
  return `${argv.some(word => word.includes('\n')) ? NEWLINE.made : ''}${words.join(' ')}`;
}

function octal(text: string): string {
  return [...encodeBytes(text)].map(byte => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
