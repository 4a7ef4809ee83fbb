import { SshError } from '../errors';
import { lowerCase } from './sshPatterns';

// It has both kinds of module, and types of one alone.
const { LineType, parse } = require('ssh-config') as typeof import('ssh-config', { with: { 'resolution-mode': 'import' } });

/** One line of ssh_config that is neither empty nor a comment: ssh_config(5), DESCRIPTION. */
export interface ConfigLine {
  /** In lower case. */
  readonly keyword: string;
  /** Without their quotes; `undefined` where a quote is not closed. */
  readonly words: readonly string[] | undefined;
  /** All that stands behind the keyword, as it is written: commands and ProxyJump know no quotes. */
  readonly rest: string;
  /** The whole line, for people. */
  readonly text: string;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** `Include` alone: the lines of each file it names. `undefined`: it names them in a way that we do not follow. */
  readonly included?: readonly (readonly ConfigLine[])[] | undefined;
}

/**
 * Line by line, as OpenSSH's readconf.c (process_config_line_depth) takes a file apart. The library is given one line at
 * a time, since it reads over their ends: a ProxyCommand could be hidden behind `Tag=`. It says what the keyword is;
 * words, quotes and `#` it takes otherwise than ssh.
 */
export function readLines(text: string, file: string): ConfigLine[] {
  return text.split('\n').flatMap((line, index) => readLine(line, file, index + 1) ?? []);
}

function readLine(line: string, file: string, number: number): ConfigLine | undefined {
  const text = withoutBlanks(line);
  if (text === '' || text.startsWith('#')) return undefined;
  const head = keywordOf(text, file, number);
  const rest = text.slice(head.length);
  return { keyword: lowerCase(head.keyword), words: splitWords(rest), rest, text, file, line: number };
}

/** The keyword, and how much of the line it takes with what stands between it and the rest. */
function keywordOf(text: string, file: string, line: number): { readonly keyword: string; readonly length: number } {
  const whole = { keyword: text, length: text.length };
  if (/^[^ \t\r=]+$/.test(text)) return whole; // the library stumbles over `Host` with nothing behind it
  try {
    const [directive] = parse(text);
    const { param, separator } = directive?.type === LineType.DIRECTIVE ? directive : { param: '\n', separator: '' };
    // A mark or a blank of Unicode that it passed over is part of the word to ssh, and makes it one that nobody knows.
    return text.startsWith(param + separator) ? { keyword: param, length: param.length + separator.length } : whole;
  } catch (error) {
    throw new SshError('bad-config', { host: '', said: `${text}: it cannot be read`, file, line }, error);
  }
}

/** `trim` and `\s` know many more blanks than ssh does: to it, a no-break space is a letter. A form feed may end a line. */
function withoutBlanks(line: string): string {
  let start = 0;
  let end = line.length;
  while (end > start && ' \t\r\f'.includes(line[end - 1]!)) end--;
  while (start < end && ' \t\r'.includes(line[start]!)) start++;
  return line.slice(start, end);
}

/**
 * Words between blanks, up to a `#` that begins one. `"` and `'` hold a word together, also in its middle; a backslash
 * stands for the quote, backslash or (outside of quotes) space behind it, and else for itself: misc.c, argv_split.
 */
export function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++;
    if (at >= text.length || text[at] === '#') return words;
    let word = '';
    let quote = '';
    for (; at < text.length && (quote !== '' || (text[at] !== ' ' && text[at] !== '\t')); at++) {
      const letter = text[at]!;
      const next = text[at + 1] ?? '';
      if (letter === '\\' && next !== '' && (`'"\\`.includes(next) || (quote === '' && next === ' '))) {
        word += next;
        at++;
      } else if (letter === quote) quote = '';
      else if (quote === '' && (letter === '"' || letter === "'")) quote = letter;
      else word += letter;
    }
    if (quote !== '') return undefined;
    words.push(word);
  }
}

/** Nothing is known yet of the host that is asked for: `resolveTarget` puts it in. */
export function unsupported({ text, file, line }: ConfigLine): SshError {
  return new SshError('unsupported-config', { host: '', said: text, file, line });
}

export function bad({ text, file, line }: ConfigLine, why: string): SshError {
  return new SshError('bad-config', { host: '', said: `${text}: ${why}`, file, line });
}

/** @throws SshError `bad-config` unless one word stands behind the keyword, and it is not empty */
export function wordOf(line: ConfigLine): string {
  const [word, ...more] = line.words ?? [];
  if (line.words === undefined) throw bad(line, 'a quote is not closed');
  if (word === undefined || word === '') throw bad(line, 'nothing stands behind the keyword');
  if (more.length > 0) throw bad(line, 'too much stands behind the keyword');
  return word;
}
