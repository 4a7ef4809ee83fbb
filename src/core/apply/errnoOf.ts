import type { WriteErrno } from '../cgroup/outcome';

/** The words of glibc and of musl for an errno, in the C locale, and of dash for what it cannot open. */
const MESSAGES: ReadonlyMap<string, WriteErrno> = new Map([
  ['Permission denied', 'EACCES'],
  ['Resource temporarily unavailable', 'EAGAIN'],
  ['Device or resource busy', 'EBUSY'],
  ['Resource busy', 'EBUSY'],
  ['File exists', 'EEXIST'],
  ['Invalid argument', 'EINVAL'],
  ['Input/output error', 'EIO'],
  ['I/O error', 'EIO'],
  ['No such device', 'ENODEV'],
  ['No such file or directory', 'ENOENT'],
  ['Directory nonexistent', 'ENOENT'],
  ['nonexistent directory', 'ENOENT'],
  ['No space left on device', 'ENOSPC'],
  ['Directory not empty', 'ENOTEMPTY'],
  ['Operation not supported', 'EOPNOTSUPP'],
  ['Not supported', 'EOPNOTSUPP'],
  ['Operation not permitted', 'EPERM'],
  ['Numerical result out of range', 'ERANGE'],
  ['Result not representable', 'ERANGE'],
  ['Read-only file system', 'EROFS'],
  ['No such process', 'ESRCH'],
]);

/** The errno that the tools of a host name: it stands last on a line of theirs. */
export function errnoOf(said: string): WriteErrno {
  for (const line of said.split('\n')) {
    const errno = MESSAGES.get(line.slice(line.lastIndexOf(': ') < 0 ? 0 : line.lastIndexOf(': ') + 2).trim());
    if (errno) return errno;
  }
  return 'EUNKNOWN';
}
