import { isAscii } from 'node:buffer';
import { CollectError } from '../errors';
import { decodeBytes } from '../parse/bytes';
import { Pending } from './pending';
import { absolute, readStderr } from './stderr';
import type { Collection, Errno, RawSnapshot } from '../rawSnapshot';

const FIRST_LINE = '=cgroup-lens 1';

/** Bytes before the first line: a login shell's greeting is shorter. And of all: 10,000 threads need five million. */
export const MOST_BEFORE = 1 << 20;
export const MOST = 1 << 28;
/** Of 150,000 threads come half a million. */
export const MOST_FRAMES = 4_000_000;

/** Characters of what a host said instead that are shown. */
export const SAID = 200;

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
  private readonly walked = new Set<string>();
  private tools: readonly string[] | undefined;
  private readonly remarks: string[] = [];
  private readonly texts = new Map<string, string>();
  /** `Cpus_allowed_list` → the text that stands for such a `status`: thousands of threads share a few. */
  private readonly statuses = new Map<string, string>();
  private user: Collection['user'];
  private hides = false;
  private state: 'before' | 'within' | 'ended' | 'damaged' = 'before';
  private notLinux = false;
  private received = 0;
  /** How it began, before the first line of an answer. */
  private said = '';
  private readonly pending = new Pending();
  /** Up to where of `bytes` is needed for the frame that has not all arrived; 0: where its line ends. */
  private wanted = 0;
  private frames = 0;
  /** What is decoded now, and the same as a string in which every byte is one character (Latin-1). */
  private bytes: Buffer = Buffer.alloc(0);
  private chars = '';
  private isAscii = true;
  // Of ten thousand threads come thirty thousand of these frames: they are matched where they stand, and not cut out first.
  private readonly membershipFrame = /=m (\d+\/task\/\d+) (\d+)\n/y;
  private readonly statFrame = /=s (\d+\/task\/\d+) (\d{1,7})\n/y;
  private readonly affinityFrame = /=a (\d+\/task\/\d+) (\S*) (.+\n)/y;

  /** False when no more is wanted: whatever this is, it is no answer, or not any longer. */
  push(chunk: Buffer): boolean {
    if (this.state === 'ended') return true;
    if (this.state === 'damaged') return false;
    this.received += chunk.length;
    if (this.state === 'before' && this.said.length < SAID) this.said += decodeBytes(chunk.subarray(0, SAID));
    const bytes = this.pending.add(chunk);
    if (bytes === undefined) {
      if (this.state === 'within' && this.pending.isTooLong) this.damaged('a line without an end');
      return this.isWanted();
    }
    this.bytes = bytes;
    this.chars = bytes.toString('latin1');
    this.isAscii = isAscii(bytes);
    this.wanted = 0;
    let at = 0;
    while (this.state === 'before' || this.state === 'within') {
      const next = this.frame(at);
      if (next === undefined) break;
      at = next;
    }
    this.pending.keep(bytes.subarray(at), this.wanted === 0 ? 0 : this.wanted - at);
    return this.isWanted();
  }

  private isWanted(): boolean {
    if (this.state === 'before') return this.received < MOST_BEFORE;
    if (this.state === 'within' && (this.received > MOST || this.frames > MOST_FRAMES)) this.damaged('too much');
    return this.state !== 'damaged';
  }

  /** @throws CollectError `not-an-answer` or `not-linux` when there is nothing to show. */
  finish(stderr: string, host: string, timing: { startedAt: number; took: number }): RawSnapshot {
    readStderr(stderr, this.errors, this.remarks);
    if (this.state === 'before') {
      const said = this.said.trim().slice(0, SAID) || stderr.trim().slice(0, SAID);
      throw new CollectError('not-an-answer', { host, said });
    }
    if (this.notLinux) throw new CollectError('not-linux', { host });
    const { files, links, errors, directories, walked, remarks, user, hides, tools } = this;
    // A cgroup without controllers prints nothing for them; the directory was read, so the file is there and empty.
    for (const directory of directories) {
      const controllers = `${directory}/cgroup.controllers`;
      const subtree = `${directory}/cgroup.subtree_control`;
      if (files.has(controllers) && !files.has(subtree)) files.set(subtree, '');
    }
    return { files, links, errors, directories, ...(walked.size > 0 ? { walked } : {}), collection: { ...timing, user, hides, complete: this.state === 'ended', remarks, ...(tools ? { tools } : {}) } };
  }

  /** Reads the frame at `at`; returns where the next one begins, or `undefined` when it has not all arrived. */
  private frame(at: number): number | undefined {
    const end = this.chars.indexOf('\n', at);
    if (end < 0) return undefined;
    this.frames++;
    const body = end + 1;
    const space = this.chars.indexOf(' ', at);
    const kind = this.chars.slice(at, space < 0 || space > end ? end : space);
    if (this.state === 'within' && kind === '=m') return this.membership(at, body);
    if (this.state === 'within' && kind === '=s') return this.stat(at, body);
    if (this.state === 'within' && kind === '=a') return this.affinity(at, body);
    const header = this.text(at, end);
    if (this.state === 'before') {
      if (header === FIRST_LINE) this.state = 'within';
      return body;
    }
    const rest = header.slice(kind.length + 1);
    switch (kind) {
      case '=c':
      case '=f': {
        const match = /^(\d{1,7}) (.+)$/s.exec(rest);
        if (!match) break;
        const text = this.content(body, match[1]!);
        if (text === undefined) return undefined;
        this.files.set(absolute(match[2]!), kind === '=f' ? text : text.replaceAll('\x01', '\0').replaceAll('\x02', '\n'));
        return body + Number(match[1]);
      }
      case '=t': {
        const match = /^(\d+) (\d{1,7})$/.exec(rest);
        if (!match) break;
        const text = this.content(body, match[2]!);
        if (text === undefined) return undefined;
        this.texts.set(match[1]!, text);
        return body + Number(match[2]);
      }
      case '=d':
        this.directories.add(rest);
        return body;
      case '=w':
        this.walked.add(rest);
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
      case '=user':
        this.user = parseUser(rest) ?? this.user;
        return body;
      case '=hides':
        this.hides = true;
        return body;
      case '=tools':
        this.tools = rest.split(' ').filter(tool => tool !== '');
        return body;
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

  private membership(at: number, body: number): number | undefined {
    this.membershipFrame.lastIndex = at;
    const match = this.membershipFrame.exec(this.chars);
    const membership = match && this.texts.get(match[2]!);
    if (membership === null || membership === undefined) return this.damaged(this.text(at, body - 1));
    this.files.set(`/proc/${match![1]}/cgroup`, membership);
    return body;
  }

  private stat(at: number, body: number): number | undefined {
    this.statFrame.lastIndex = at;
    const match = this.statFrame.exec(this.chars);
    if (!match) return this.damaged(this.text(at, body - 1));
    const stat = this.content(body, match[2]!);
    if (stat === undefined) return undefined;
    // One whose membership could not be read is about to die.
    if (this.files.has(`/proc/${match[1]}/cgroup`)) this.files.set(`/proc/${match[1]}/stat`, stat);
    return body + Number(match[2]);
  }

  /** The frame of a thread's affinity and `schedstat`. */
  private affinity(at: number, body: number): number | undefined {
    this.affinityFrame.lastIndex = at;
    const match = this.affinityFrame.exec(this.chars);
    if (!match) return this.damaged(this.text(at, body - 1));
    const [, path, cpus, schedstat] = match;
    if (cpus !== '-') this.files.set(`/proc/${path}/status`, this.status(cpus!));
    if (!schedstat!.startsWith('-')) this.files.set(`/proc/${path}/schedstat`, schedstat!);
    return body;
  }

  private status(cpus: string): string {
    let status = this.statuses.get(cpus);
    if (status === undefined) this.statuses.set(cpus, (status = `Cpus_allowed_list:\t${cpus}\n`));
    return status;
  }

  /** So many bytes from `body` on; `undefined` when they have not all arrived. */
  private content(body: number, length: string): string | undefined {
    const stop = body + Number(length);
    if (stop <= this.chars.length) return this.text(body, stop);
    this.wanted = stop;
    return undefined;
  }

  /** What stands between two places of `chars`: in ASCII, the characters are the text. */
  private text(from: number, to: number): string {
    return this.isAscii ? this.chars.slice(from, to) : decodeBytes(this.bytes.subarray(from, to));
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
}

/** What `id` says: `uid=0(root) gid=0(root) …` */
export function parseUser(text: string): Collection['user'] {
  const match = /^uid=(\d+)(?:\(([^)]*)\))?/.exec(text);
  return match ? { uid: Number(match[1]), name: match[2] ?? match[1]! } : undefined;
}
