import type { Errno } from '../rawSnapshot';

/** Takes what the tools of a script said on standard error: why a file could not be read, by path, and all else. */
export function readStderr(stderr: string, errors: Map<string, Errno>, remarks: string[]): void {
  for (const line of stderr.split('\n')) {
    if (/^\S*awk: read error \(/.test(line)) continue; // it was asked again, see shell.ts
    const match = /^(?:(?:\S*grep|find|tr|\S*: line \d+):|sh: (?:\d+: )?can(?:not|'t) open) (.*): ([^:]+)$/s.exec(line);
    const errno = match && errnoOf(match[2]!);
    if (match && errno) errors.set(absolute(match[1]!.replace(/^'(.*)'$/s, '$1')), errno); // GNU find quotes
    else if (line.trim() !== '' && remarks.length < 20) remarks.push(line.slice(0, 300));
  }
}

/** Scripts work in /proc: a path that does not begin with `/` is below it. */
export function absolute(path: string): string {
  return path.startsWith('/') ? path : `/proc/${path}`;
}

/** The words of glibc and of musl for an errno, in the C locale, and of dash and busybox sh for what they cannot open. */
const MESSAGES: ReadonlyMap<string, Errno> = new Map([
  ['No such file or directory', 'ENOENT'],
  ['No such file', 'ENOENT'],
  ['no such file', 'ENOENT'],
  ['No such process', 'ESRCH'],
  ['No such device', 'ENODEV'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['Operation not supported', 'EOPNOTSUPP'],
  ['Not supported', 'EOPNOTSUPP'],
  ['Invalid argument', 'EINVAL'],
  ['Input/output error', 'EIO'],
  ['I/O error', 'EIO'],
]);

function errnoOf(message: string): Errno | undefined {
  return MESSAGES.get(message.trim());
}
