import { CaptureError } from '../errors';
import { type Steps, atOnce } from '../model/pace';
import { decodeBytes, encodeBytes } from '../parse/bytes';
import { ERRNOS, type Errno, type RawSnapshot } from '../rawSnapshot';
import type { RedactedSnapshot } from './redact';

/**
 * A capture: one snapshot as text, made to be read and compared by people.
 *
 *     cgroup-lens capture 1
 *     # any number of comments
 *     started 2026-11-22T20:50:11.123Z
 *     took 81.5
 *     uid 0
 *     hides yes
 *     complete yes
 *
 *     text /proc/450/task/450/cgroup
 *     →13:devices:/machine.slice/…
 *     →0::/machine.slice/…
 *
 *     same /proc/450/task/454/cgroup
 *     →/proc/450/task/450/cgroup
 *
 *     dir /sys/fs/cgroup/cpuset/machine.slice
 *     walked /sys/fs/cgroup/cpuset/machine.slice
 *     error EACCES /proc/450/exe
 *     end 5
 *
 * `→` is a tab. An entry is `text` (ends with a newline), `part` (does not), `same` (as another file), `link`, `dir`,
 * `walked` (a directory below which all cgroups were seen) or `error`; the first four have their content below, each line behind a tab, and end with an empty line: an entry that
 * does not was cut off. `end` counts the entries. Order does not matter, so that two captures can be compared. The
 * bytes of a control character other than newline, of a mark that breaks or turns a line (U+2028, U+202E …), what is
 * not UTF-8, and `%` itself are written `%XX`, everywhere.
 *
 * `hides yes` stands where /proc hides other users' processes from the reader.
 *
 * Version 1 is stable: a reader takes what it knows, names each line that it does not, and refuses a higher version.
 */
const VERSION = 1;
const FIRST_LINE = /^\uFEFF?cgroup-lens capture (\d+)$/;
/** What a first line should be, for messages. */
export const EXPECTED_FIRST_LINE = `cgroup-lens capture ${VERSION}`;
const MIB = 1024 * 1024;
/** A host with 10,000 threads makes 20 MB. */
const LARGEST = 64 * MIB;
/** Milliseconds: a year. Three hundred digits are a number, too, but not one that can be shown or written again. */
const LONGEST = 365 * 24 * 60 * 60 * 1000;
/** The end has a year of four digits then, as every reader of times expects. */
const LATEST = Date.UTC(9999, 0, 1);
/** What is damaged from end to end is told by its first lines. */
const MOST_PROBLEMS = 1000;

/** Damage inside a capture; everything else of it is there. */
export interface CaptureProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly expected: string;
  readonly found: string;
}

export function* printing(snapshot: RedactedSnapshot, comments: readonly string[] = []): Steps<string> {
  const { collection } = snapshot;
  const out = [EXPECTED_FIRST_LINE, ...comments.map(comment => `# ${escape(comment)}`)];
  out.push(`started ${new Date(collection.startedAt).toISOString()}`, `took ${Math.round(collection.took * 10) / 10}`);
  if (collection.user) out.push(`uid ${collection.user.uid}`);
  if (collection.hides) out.push('hides yes');
  out.push(`complete ${collection.complete ? 'yes' : 'no'}`, '');
  let entries = 0;
  const entry = (kind: string, path: string, content: string): void => {
    entries += 1;
    out.push(`${kind} ${escape(path)}`, ...content.split('\n').map(line => `\t${escape(line)}`), '');
  };
  const first = new Map<string, string>();
  for (const [path, text] of snapshot.files) {
    yield;
    const same = path.endsWith('/cgroup') ? first.get(text) : undefined;
    if (same !== undefined) entry('same', path, same);
    else if (text.endsWith('\n')) entry('text', path, text.slice(0, -1));
    else entry('part', path, text);
    if (path.endsWith('/cgroup') && same === undefined) first.set(text, path);
  }
  for (const [path, target] of snapshot.links) entry('link', path, target);
  for (const path of snapshot.directories) out.push(`dir ${escape(path)}`);
  for (const path of snapshot.walked ?? []) out.push(`walked ${escape(path)}`);
  for (const [path, errno] of snapshot.errors) out.push(`error ${errno} ${escape(path)}`);
  entries += snapshot.directories.size + (snapshot.walked?.size ?? 0) + snapshot.errors.size;
  out.push(`end ${entries}`, '');
  return out.join('\n');
}

/** {@link printing}, at once. */
export function printCapture(snapshot: RedactedSnapshot, comments: readonly string[] = []): string {
  return atOnce(printing(snapshot, comments));
}

/**
 * {@link parsing} for the bytes of a file, which may be anything: nothing of it is decoded before it is known to begin
 * as a capture and to be no larger than one.
 * @throws CaptureError when it is no capture, a larger one than any host makes, or one of a newer version
 */
export function* parsingBytes(bytes: Uint8Array): Steps<{ snapshot: RawSnapshot; problems: readonly CaptureProblem[] }> {
  if (!/^\uFEFF?cgroup-lens capture \d/.test(decodeBytes(bytes.subarray(0, 64)))) {
    // 80 characters have at most 240 bytes; a character that is cut off at the end is beyond them.
    throw notACapture(firstLine(decodeBytes(bytes.subarray(0, 256))));
  }
  if (bytes.length > LARGEST) {
    throw new CaptureError('too-large', { line: 0, expected: `${LARGEST / MIB} MiB`, found: `${Math.ceil(bytes.length / MIB)} MiB` });
  }
  yield;
  return yield* parsing(decodeBytes(bytes));
}

/**
 * Reads a capture. What is damaged is a problem with its line; the rest is kept and `complete` is false.
 * @throws CaptureError when it is no capture, or one of a newer version
 */
export function* parsing(text: string): Steps<{ snapshot: RawSnapshot; problems: readonly CaptureProblem[] }> {
  const first = firstLine(text);
  const version = FIRST_LINE.exec(first);
  if (!version) throw notACapture(first);
  if (Number(version[1]) > VERSION) throw new CaptureError('newer-version', { line: 1, expected: EXPECTED_FIRST_LINE, found: first.slice(0, 80) });
  const lines = new Lines(text);
  lines.next();
  const reader = new CaptureReader(lines);
  yield* reader.read();
  if (reader.entries === 0) throw new CaptureError('empty', { line: lines.number, expected: 'text, dir, error, link', found: lines.last.slice(0, 80) });
  return { snapshot: reader.snapshot(), problems: reader.problems() };
}

function firstLine(text: string): string {
  return new Lines(text).current!;
}

function notACapture(first: string): CaptureError {
  return new CaptureError('not-a-capture', { line: 1, expected: EXPECTED_FIRST_LINE, found: first.slice(0, 80) });
}

/** {@link parsing}, at once. */
export function parseCapture(text: string): { snapshot: RawSnapshot; problems: readonly CaptureProblem[] } {
  return atOnce(parsing(text));
}

/** A text line by line, without a list of all of them: a file may be nothing but line ends. */
class Lines {
  /** Of the current line, from 1; after the last, of the last. */
  number = 1;
  /** `undefined` after the last. What follows the last newline is a line, too. */
  current: string | undefined;
  /** The latest that was there. */
  last = '';
  private ends = -1;

  constructor(private readonly text: string) {
    this.read();
  }

  get isLast(): boolean {
    return this.ends === this.text.length;
  }

  next(): void {
    if (this.isLast) this.current = undefined;
    else {
      this.number += 1;
      this.read();
    }
  }

  private read(): void {
    const from = this.ends + 1;
    const newline = this.text.indexOf('\n', from);
    this.ends = newline < 0 ? this.text.length : newline;
    // An editor may have saved it with other line ends.
    this.last = this.text.slice(from, this.ends > from && this.text[this.ends - 1] === '\r' ? this.ends - 1 : this.ends);
    this.current = this.last;
  }
}

class CaptureReader {
  entries = 0;
  private readonly found: CaptureProblem[] = [];
  private notTold = 0;
  private readonly files = new Map<string, string>();
  private readonly same = new Map<string, { path: string; line: number }>();
  private readonly links = new Map<string, string>();
  private readonly errors = new Map<string, Errno>();
  private readonly directories = new Set<string>();
  private readonly walked = new Set<string>();
  private startedAt = 0;
  private took = 0;
  private uid: number | undefined;
  private hides = false;
  private complete = true;
  private ended = false;

  constructor(private readonly lines: Lines) {}

  *read(): Steps<void> {
    while (this.lines.current !== undefined) {
      yield;
      yield* this.entry(this.lines.current);
    }
    if (!this.ended) this.problem(this.lines.number, 'end', 'the end of the file');
    yield* this.resolve();
  }

  snapshot(): RawSnapshot {
    const { files, links, errors, directories, walked, startedAt, took, uid, hides } = this;
    const complete = this.complete && this.found.length === 0;
    const user = uid === undefined ? undefined : { uid, name: String(uid) };
    return { files, links, errors, directories, ...(walked.size > 0 ? { walked } : {}), collection: { startedAt, took, user, hides, complete, remarks: [] } };
  }

  problems(): CaptureProblem[] {
    const problems = [...this.found].sort((a, b) => a.line - b.line);
    if (this.notTold > 0) problems.push({ line: this.lines.number, expected: 'a capture without damage', found: `${this.notTold} more problems` });
    return problems;
  }

  /** Reads what begins at the current line; the line behind it is the current one then. */
  private *entry(line: string): Steps<void> {
    const { number, isLast } = this.lines;
    this.lines.next();
    if (line === '' || line.startsWith('#')) return;
    const [word, rest] = splitAtSpace(line);
    // Only the last line has no newline: what it names may be the beginning of a longer path.
    if (isLast && word !== 'end') return this.problem(number, 'a newline', line);
    switch (word) {
      case 'text':
      case 'part':
      case 'same':
      case 'link':
        return yield* this.withContent(number, word, unescape(rest));
      case 'dir':
        this.entries += 1;
        this.directories.add(unescape(rest));
        return;
      case 'walked':
        this.entries += 1;
        this.walked.add(unescape(rest));
        return;
      case 'error': {
        const [errno, path] = splitAtSpace(rest);
        const known = ERRNOS.find(e => e === errno);
        if (!known) return this.problem(number, `one of ${ERRNOS.join(' ')}`, errno);
        this.entries += 1;
        this.errors.set(unescape(path), known);
        return;
      }
      case 'end':
        this.ended = true;
        if (Number(rest) !== this.entries) this.problem(number, `end ${this.entries}`, line);
        return;
      default:
        return this.about(number, word, rest, line);
    }
  }

  /** What is said of the capture as a whole. */
  private about(number: number, word: string, rest: string, line: string): void {
    switch (word) {
      case 'started': {
        const time = Date.parse(rest);
        if (!(time >= 0 && time < LATEST)) return this.problem(number, 'a time such as 2026-11-22T20:50:11.123Z', rest);
        this.startedAt = time;
        return;
      }
      case 'took':
        if (!/^\d+(\.\d+)?$/.test(rest) || !(Number(rest) <= LONGEST)) return this.problem(number, 'a number', rest);
        this.took = Number(rest);
        return;
      case 'uid':
        if (!/^\d+$/.test(rest) || !Number.isSafeInteger(Number(rest))) return this.problem(number, 'a whole number', rest);
        this.uid = Number(rest);
        return;
      case 'hides':
        this.hides = rest === 'yes';
        return;
      case 'complete':
        this.complete = rest === 'yes';
        return;
    }
    this.problem(number, 'text, part, same, link, dir, error or end', line);
  }

  private *withContent(number: number, kind: 'text' | 'part' | 'same' | 'link', path: string): Steps<void> {
    const { lines } = this;
    const content: string[] = [];
    for (; lines.current?.startsWith('\t'); lines.next()) {
      yield;
      content.push(unescape(lines.current.slice(1)));
    }
    // What follows the last newline is no line of its own: an empty one there does not end an entry.
    if (lines.current !== '' || lines.isLast) return this.problem(number, 'an empty line after the entry', lines.current ?? 'the end of the file');
    this.entries += 1;
    const text = content.join('\n');
    if (kind === 'text') this.files.set(path, `${text}\n`);
    else if (kind === 'part') this.files.set(path, text);
    else if (kind === 'link') this.links.set(path, text);
    else if (this.files.has(text)) this.files.set(path, this.files.get(text)!);
    else this.same.set(path, { path: text, line: number });
  }

  /** Gives each file that is the same as a later one its text. The later one may be the same as another in its turn. */
  private *resolve(): Steps<void> {
    const { same, files } = this;
    for (const start of same.keys()) {
      const waiting = new Map<string, { path: string; line: number }>();
      let at = start;
      for (let next = same.get(at); next && !waiting.has(at); next = files.has(at) ? undefined : same.get(at)) {
        yield;
        waiting.set(at, next);
        at = next.path;
      }
      const text = files.get(at);
      for (const [path, { path: other, line }] of waiting) {
        yield;
        same.delete(path); // resolved or told of: no other chain goes through it again
        if (text !== undefined) files.set(path, text);
        else this.problem(line, `an entry "text ${other.slice(0, 80)}"`, waiting.has(at) ? 'a circle of entries "same"' : 'none');
      }
    }
  }

  private problem(line: number, expected: string, found: string): void {
    if (this.found.length < MOST_PROBLEMS) this.found.push({ line, expected, found: found.slice(0, 80) });
    else this.notTold += 1;
  }
}

/** The first word and what is behind the space after it. */
function splitAtSpace(text: string): [word: string, rest: string] {
  const space = text.indexOf(' ');
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
}

/** Whatever could break a line, pass for markup of a terminal or is no text is written as `%XX`, by byte. */
function escape(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f%\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udcff]/gu, char =>
    encodeBytes(char).toString('hex').toUpperCase().replace(/../g, '%$&'),
  );
}

/** The reverse of {@link escape}. */
function unescape(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9A-F]{2})+/g, run => {
    // By hand: `replaceAll` and `hex` take two seconds for a run of 30 MB.
    const bytes = Buffer.alloc(run.length / 3);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (digit(run, 3 * i + 1) << 4) | digit(run, 3 * i + 2);
    return decodeBytes(bytes);
  });
}

/** Of `0`…`9`, `A`…`F`. */
function digit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code <= 0x39 ? code - 0x30 : code - 0x37;
}
