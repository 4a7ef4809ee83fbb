import { CollectError } from '../errors';
import { decodeBytes } from '../parse/bytes';
import type { Collection, Errno, RawSnapshot } from '../rawSnapshot';

const NEWLINE = 0x0a;
const FIRST_LINE = '=cgroup-lens 1';

/**
 * Decodes the collector's answer while it arrives (the frames are described in script.ts): each `push` works on what
 * came, some 64 KiB, so that the event loop is never held for long. A damaged frame ends the decoding: what was read
 * until then is true, and the snapshot says that it is not complete.
 */
export class WireDecoder {
  private readonly files = new Map<string, string>();
  private readonly links = new Map<string, string>();
  private readonly linesOfLinks = new Set<string>();
  private readonly errors = new Map<string, Errno>();
  private readonly directories = new Set<string>();
  private readonly remarks: string[] = [];
  private readonly texts = new Map<string, string>();
  private user: Collection['user'];
  private state: 'before' | 'within' | 'ended' | 'damaged' = 'before';
  private notLinux = false;
  private pending: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    const data = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk;
    let at = 0;
    while (this.state === 'before' || this.state === 'within') {
      const next = this.frame(data, at);
      if (next === undefined) break;
      at = next;
    }
    this.pending = this.state === 'before' || this.state === 'within' ? Buffer.from(data.subarray(at)) : Buffer.alloc(0);
  }

  /** @throws CollectError `not-an-answer` or `not-linux` when there is nothing to show. */
  finish(stderr: string, host: string, timing: { startedAt: number; took: number }): RawSnapshot {
    this.readStderr(stderr);
    if (this.state === 'before') {
      const said = decodeBytes(this.pending.subarray(0, 200)).trim() || stderr.trim().slice(0, 200);
      throw new CollectError('not-an-answer', { host, said });
    }
    if (this.notLinux) throw new CollectError('not-linux', { host });
    const { files, links, errors, directories, remarks, user } = this;
    // A cgroup without controllers prints nothing for them; the directory was read, so the file is there and empty.
    for (const directory of directories) {
      const controllers = `${directory}/cgroup.controllers`;
      const subtree = `${directory}/cgroup.subtree_control`;
      if (files.has(controllers) && !files.has(subtree)) files.set(subtree, '');
    }
    return { files, links, errors, directories, collection: { ...timing, user, complete: this.state === 'ended', remarks } };
  }

  /** Reads the frame at `at`; returns where the next one begins, or `undefined` when it has not all arrived. */
  private frame(data: Buffer, at: number): number | undefined {
    const end = data.indexOf(NEWLINE, at);
    if (end < 0) return undefined;
    const header = decodeBytes(data.subarray(at, end));
    const body = end + 1;
    if (this.state === 'before') {
      if (header === FIRST_LINE) this.state = 'within';
      return body;
    }
    const space = header.indexOf(' ');
    const kind = space < 0 ? header : header.slice(0, space);
    const rest = space < 0 ? '' : header.slice(space + 1);
    const content = (length: string | undefined): string | undefined => {
      const stop = body + Number(length);
      return stop <= data.length ? decodeBytes(data.subarray(body, stop)) : undefined;
    };
    switch (kind) {
      case '=c':
      case '=f': {
        const match = /^(\d{1,7}) (.+)$/s.exec(rest);
        if (!match) break;
        const text = content(match[1]);
        if (text === undefined) return undefined;
        this.files.set(absolute(match[2]!), kind === '=f' ? text : text.replaceAll('\x01', '\0').replaceAll('\x02', '\n'));
        return body + Number(match[1]);
      }
      case '=t': {
        const match = /^(\d+) (\d{1,7})$/.exec(rest);
        if (!match) break;
        const text = content(match[2]);
        if (text === undefined) return undefined;
        this.texts.set(match[1]!, text);
        return body + Number(match[2]);
      }
      case '=s': {
        const match = /^(\d+\/task\/\d+) (\d+) (\d{1,7})$/.exec(rest);
        const membership = this.texts.get(match?.[2] ?? '');
        if (!match || membership === undefined) break;
        const stat = content(match[3]);
        if (stat === undefined) return undefined;
        this.files.set(absolute(`${match[1]}/cgroup`), membership);
        this.files.set(absolute(`${match[1]}/stat`), stat);
        return body + Number(match[3]);
      }
      case '=a': {
        const match = /^(\d+\/task\/\d+) (\S*) (.+)$/.exec(rest);
        if (!match) break;
        if (match[2] !== '-') this.files.set(absolute(`${match[1]}/status`), `Cpus_allowed_list:\t${match[2]}\n`);
        if (!match[3]!.startsWith('-')) this.files.set(absolute(`${match[1]}/schedstat`), `${match[3]}\n`);
        return body;
      }
      case '=d':
        this.directories.add(rest);
        return body;
      case '=h': {
        const match = /^(\d+) (.+)$/s.exec(rest);
        if (!match) break;
        this.errors.set(absolute(`${match[1]}/stat`), 'EACCES');
        this.files.set(match[2]!, `${this.files.get(match[2]!) ?? ''}${match[1]}\n`);
        return body;
      }
      case '=l':
        this.link(rest);
        return body;
      case '=user': {
        const match = /^uid=(\d+)(?:\(([^)]*)\))?/.exec(rest);
        if (match) this.user = { uid: Number(match[1]), name: match[2] ?? match[1]! };
        return body;
      }
      case '=missing':
        if (rest.startsWith('/')) this.notLinux = true;
        else this.remarks.push(`missing tool: ${rest}`);
        return body;
      case '=end':
        this.state = 'ended';
        return body;
      case '': // the newline after a text that had none itself
        return body;
    }
    return this.damaged(header);
  }

  private damaged(header: string): undefined {
    this.state = 'damaged';
    this.remarks.push(`unexpected answer: ${header.slice(0, 100)}`);
    return undefined;
  }

  /** `lrwxrwxrwx 1 0 0 0 Nov 22 20:50 519/exe -> /usr/bin/qemu-system-x86_64`, name and target shown raw by busybox. */
  private link(line: string): void {
    const match = /^l\S+\s+\d+\s+\d+\s+\d+\s+\d+\s+\S+\s+\S+\s+\S+ (\d+\/exe)(?: -> (.*))?$/s.exec(line);
    if (!match) return;
    const path = absolute(match[1]!);
    // A newline in a target could forge another process's line, also one that may not be read: believe neither.
    if (this.linesOfLinks.has(path)) this.links.delete(path);
    else if (match[2] !== undefined) this.links.set(path, match[2]);
    this.linesOfLinks.add(path);
  }

  private readStderr(stderr: string): void {
    for (const line of stderr.split('\n')) {
      const match = /^(?:(?:\S*grep|find|tr|\S*: line \d+|sh: \d+):|sh: (?:\d+: )?can(?:not|'t) open) (.*): ([^:]+)$/s.exec(line);
      const errno = match && errnoOf(match[2]!);
      if (match && errno) this.errors.set(absolute(match[1]!), errno);
      else if (line.trim() !== '' && this.remarks.length < 20) this.remarks.push(line.slice(0, 300));
    }
  }
}

function absolute(path: string): string {
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
