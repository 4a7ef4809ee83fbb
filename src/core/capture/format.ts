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
 *     error EACCES /proc/450/exe
 *     end 4
 *
 * `→` is a tab. An entry is `text` (ends with a newline), `part` (does not), `same` (as another file), `link`, `dir` or
 * `error`; the first four have their content below, each line behind a tab, and end with an empty line: an entry that
 * does not was cut off. `end` counts the entries. Order does not matter, so that two captures can be compared. The
 * bytes of a control character other than newline, of a mark that breaks or turns a line (U+2028, U+202E …), what is
 * not UTF-8, and `%` itself are written `%XX`, everywhere.
 *
 * Version 1 is stable: a reader takes what it knows, names each line that it does not, and refuses a higher version.
 */
const VERSION = 1;
const FIRST_LINE = /^\uFEFF?cgroup-lens capture (\d+)$/;
/** What a first line should be, for messages. */
export const EXPECTED_FIRST_LINE = `cgroup-lens capture ${VERSION}`;

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
  for (const [path, errno] of snapshot.errors) out.push(`error ${errno} ${escape(path)}`);
  entries += snapshot.directories.size + snapshot.errors.size;
  out.push(`end ${entries}`, '');
  return out.join('\n');
}

/** {@link printing}, at once. */
export function printCapture(snapshot: RedactedSnapshot, comments: readonly string[] = []): string {
  return atOnce(printing(snapshot, comments));
}

/**
 * Reads a capture. What is damaged is a problem with its line; the rest is kept and `complete` is false.
 * @throws CaptureError when it is no capture, or one of a newer version
 */
export function* parsing(text: string): Steps<{ snapshot: RawSnapshot; problems: readonly CaptureProblem[] }> {
  const lines = text.split('\n').map(line => line.replace(/\r$/, ''));
  const version = FIRST_LINE.exec(lines[0]!);
  if (!version) throw new CaptureError('not-a-capture', { line: 1, expected: EXPECTED_FIRST_LINE, found: lines[0]!.slice(0, 80) });
  if (Number(version[1]) > VERSION) throw new CaptureError('newer-version', { line: 1, expected: EXPECTED_FIRST_LINE, found: lines[0]! });
  const reader = new CaptureReader(lines);
  yield* reader.read();
  if (reader.entries === 0) throw new CaptureError('empty', { line: lines.length, expected: 'text, dir, error, link', found: lines.at(-1)!.slice(0, 80) });
  return { snapshot: reader.snapshot(), problems: reader.problems };
}

/** {@link parsing}, at once. */
export function parseCapture(text: string): { snapshot: RawSnapshot; problems: readonly CaptureProblem[] } {
  return atOnce(parsing(text));
}

class CaptureReader {
  readonly problems: CaptureProblem[] = [];
  entries = 0;
  private readonly files = new Map<string, string>();
  private readonly same = new Map<string, { path: string; line: number }>();
  private readonly links = new Map<string, string>();
  private readonly errors = new Map<string, Errno>();
  private readonly directories = new Set<string>();
  private startedAt = 0;
  private took = 0;
  private uid: number | undefined;
  private complete = true;
  private ended = false;

  constructor(private readonly lines: readonly string[]) {}

  *read(): Steps<void> {
    let i = 1;
    while (i < this.lines.length) {
      yield;
      i = this.entry(i);
    }
    if (!this.ended) this.problem(this.lines.length, 'end', 'the end of the file');
    for (const [path, { path: other, line }] of this.same) {
      const text = this.files.get(other);
      if (text === undefined) this.problem(line, `an entry "text ${other}"`, 'none');
      else this.files.set(path, text);
    }
    this.problems.sort((a, b) => a.line - b.line);
  }

  snapshot(): RawSnapshot {
    const { files, links, errors, directories, startedAt, took, uid } = this;
    const complete = this.complete && this.problems.length === 0;
    const user = uid === undefined ? undefined : { uid, name: String(uid) };
    return { files, links, errors, directories, collection: { startedAt, took, user, complete, remarks: [] } };
  }

  /** Reads what begins at line `i`; returns where the next begins. */
  private entry(i: number): number {
    const line = this.lines[i]!;
    if (line === '' || line.startsWith('#')) return i + 1;
    const [word, ...others] = line.split(' ');
    const rest = others.join(' ');
    // Only the last line has no newline: what it names may be the beginning of a longer path.
    if (i === this.lines.length - 1 && word !== 'end') return this.problem(i + 1, 'a newline', line);
    switch (word) {
      case 'text':
      case 'part':
      case 'same':
      case 'link':
        return this.withContent(i, word, unescape(rest));
      case 'dir':
        this.entries += 1;
        this.directories.add(unescape(rest));
        return i + 1;
      case 'error': {
        const [errno, ...path] = others;
        const known = ERRNOS.find(e => e === errno);
        if (!known) return this.problem(i + 1, `one of ${ERRNOS.join(' ')}`, errno ?? '');
        this.entries += 1;
        this.errors.set(unescape(path.join(' ')), known);
        return i + 1;
      }
      case 'end':
        this.ended = true;
        if (Number(rest) !== this.entries) this.problem(i + 1, `end ${this.entries}`, line);
        return i + 1;
      case 'started':
        this.startedAt = Date.parse(rest);
        if (!Number.isFinite(this.startedAt)) {
          this.startedAt = 0;
          return this.problem(i + 1, 'a time such as 2026-11-22T20:50:11.123Z', rest);
        }
        return i + 1;
      case 'took':
      case 'uid':
        if (!/^\d+(\.\d+)?$/.test(rest)) return this.problem(i + 1, 'a number', rest);
        if (word === 'took') this.took = Number(rest);
        else this.uid = Number(rest);
        return i + 1;
      case 'complete':
        this.complete = rest === 'yes';
        return i + 1;
    }
    return this.problem(i + 1, 'text, part, same, link, dir, error or end', line);
  }

  private withContent(i: number, kind: 'text' | 'part' | 'same' | 'link', path: string): number {
    let end = i + 1;
    const content: string[] = [];
    for (; this.lines[end]?.startsWith('\t'); end++) content.push(unescape(this.lines[end]!.slice(1)));
    // The last element of `lines` is what follows the last newline: an empty one there does not end an entry.
    if (this.lines[end] !== '' || end === this.lines.length - 1) {
      this.problem(i + 1, 'an empty line after the entry', this.lines[end] ?? 'the end of the file');
      return end;
    }
    this.entries += 1;
    const text = content.join('\n');
    if (kind === 'text') this.files.set(path, `${text}\n`);
    else if (kind === 'part') this.files.set(path, text);
    else if (kind === 'link') this.links.set(path, text);
    else if (this.files.has(text)) this.files.set(path, this.files.get(text)!);
    else this.same.set(path, { path: text, line: i + 1 });
    return end;
  }

  private problem(line: number, expected: string, found: string): number {
    this.problems.push({ line, expected, found: found.slice(0, 80) });
    return line;
  }
}

/** Whatever could break a line, pass for markup of a terminal or is no text is written as `%XX`, by byte. */
function escape(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f%\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udcff]/gu, char =>
    encodeBytes(char).toString('hex').toUpperCase().replace(/../g, '%$&'),
  );
}

function unescape(text: string): string {
  return text.replace(/(?:%[0-9A-F]{2})+/g, run => decodeBytes(Buffer.from(run.replaceAll('%', ''), 'hex')));
}
