import { type OwnCgroup, makeCgroup } from './cgroups';
import { namedThreads } from './helper';

/** Names of threads, 15 bytes at most: any byte but NUL. The first fifteen or so break something in some language. */
export const THREAD_NAMES: readonly Buffer[] = [
  'a\nb', ') R 1 2 3', '1 (x) S 1', '\x01', '\x01\x02\x03', 'a\n\x01b', 'x\x01\n', '\n', '=f 9 x', '\n=end\n', '=s 1/task/1 1 9', '=end', '$(touch /tmp/x)', '`touch /tmp/x`',
  "';id;'", '"$HOME"', '\\', '\\n\\x41', '%s%n%d', '-n', '-', '', ' ', '  two  ', '\x1b[31mred\x1b[0m', '\x7f\b\r\t', 'CPU 7/KVM', 'CPU 8/KVM\n', 'größe', '日本語', '\u202Eevil',
].map(name => Buffer.from(name).subarray(0, 15)).concat([Buffer.of(0xff, 0xfe), Buffer.of(0x61, 0xc3), Buffer.of(0xed, 0xa0, 0x80, 0x28), Buffer.of(0x01, 0xff, 0x0a, 0x01)]);

/** Names of cgroups: any byte but NUL, slash and newline. What is executed shows among the remarks. */
export const CGROUP_NAMES: readonly Buffer[] = [
  'two words', ' ', '  leading and trailing  ', `"double" 'single'`, '$(echo executed >&2)', '`echo executed >&2`', '$HOME', ';id;', '&& id', '|id', 'a:b', '0::', ':', ',', 'a,b', '\\', '\\x2d',
  'machine-qemu\\x2d9\\x2dhostile.scope', 'größe', '日本語', '\u202Eevil', '\x01', 'a\x01b', '\x02', '\x1b[31m', '\t', '\r', '-', '-n', '--help', '=end', '=f 3 x', '*', '?', '[0-9]*', '~', '#', '%s%n', '..x', '...', '(deleted)',
  'n'.repeat(255),
].map(name => Buffer.from(name)).concat([Buffer.of(0xff, 0xfe, 0x2d), Buffer.of(0x61, 0xc3), Buffer.of(0xed, 0xa0, 0x80), Buffer.of(0x01, 0xff, 0x01)]);

export interface Hostile {
  readonly pid: number;
  /** The thread of each name of {@link THREAD_NAMES}. */
  readonly tids: readonly number[];
  /** The cgroup of each name of {@link CGROUP_NAMES}, in v1 and in v2, with one thread in it, and its shares. */
  readonly places: readonly { readonly tid: number; readonly v1: OwnCgroup; readonly v2: OwnCgroup; readonly shares: number }[];
}

/** A process that looks like QEMU, whose threads and cgroups have names as no honest program gives them. */
export async function hostileProcess(): Promise<Hostile> {
  const spare = CGROUP_NAMES.map((_, i) => Buffer.from(`spare ${i}`));
  const { pid, tids } = await namedThreads([...THREAD_NAMES, ...spare]);
  makeCgroup('0::', 'hostile').addProcess(pid);
  const places = CGROUP_NAMES.map((name, i) => {
    const shares = 300 + i;
    const tid = tids[THREAD_NAMES.length + i]!;
    const v1 = makeCgroup('cpu', 'hostile', name).write('cpu.shares', shares);
    const v2 = makeCgroup('0::', 'hostile', name).write('cgroup.type', 'threaded');
    v1.addThread(tid);
    v2.addThread(tid);
    return { tid, v1, v2, shares };
  });
  return { pid, tids: tids.slice(0, THREAD_NAMES.length), places };
}
