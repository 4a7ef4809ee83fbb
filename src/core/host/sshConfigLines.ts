import { SshError } from '../errors';
import { lowerCase } from './sshPatterns';

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
 * Line by line, as OpenSSH's readconf.c (process_config_line_depth) takes a file apart. The library `ssh-config` reads
 * over the ends of lines and takes quotes, `#` and `?` otherwise, so that a ProxyCommand may be hidden from it.
 */
export function readLines(text: string, file: string): ConfigLine[] {
  return text.split('\n').flatMap((line, index) => readLine(line, file, index + 1) ?? []);
}

function readLine(line: string, file: string, number: number): ConfigLine | undefined {
  const text = withoutBlanks(line);
  // One "=" may stand between the keyword and the rest.
  const [, keyword, rest] = /^([^ \t\r=]*)[ \t\r]*=?[ \t\r]*(.*)$/s.exec(text)!;
  if (text === '' || keyword!.startsWith('#')) return undefined;
  return { keyword: lowerCase(keyword!), words: splitWords(rest!), rest: rest!, text, file, line: number };
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
