import { shorten } from '../parse/bytes';
import type { QemuArguments } from '../parse/cmdline';
import { type TaskStat, taskFlags } from '../parse/taskStat';
import type { Role, RoleKind } from './hostModel';

/** QEMU's thread names (`qemu_thread_create` in its source) and the kernel's, as far as they tell a role by themselves. */
const BY_NAME: readonly (readonly [RegExp, RoleKind])[] = [
  [/^vhost-\d/, 'vhost'],
  [/^(worker|pool-.*)$/, 'worker'],
  [/^(live_migration|migration|multifd|mig\/|bg_snapshot|dirtyrate|return path|COLO)/, 'migration'],
  [/^vnc_worker/, 'vnc'],
  [/^SPICE/, 'spice'],
  [/^call_rcu$/, 'call_rcu'],
  [/^iou-(wrk|sqp)-/, 'io_uring'],
  [/^kvm-(pit|nx-lpage)/, 'kernel'],
];

/** QEMU's own I/O threads, which are not the machine's (`-object iothread`). */
const OWN_IO_THREADS = new Set(['mon_iothread', 'colo-compare']);

/** What this task of a QEMU process is for, and how that is known. */
export function roleOf(stat: TaskStat, pid: number, args: QemuArguments): Role {
  if (stat.tid === pid) return { kind: 'emulator', id: undefined, knownBy: 'kernel' };
  const name = stat.comm;
  const vcpu = /^CPU (\d+)\/[A-Za-z]+$/.exec(name);
  if (vcpu) return { kind: 'vcpu', id: vcpu[1], knownBy: 'thread name' };
  // one thread runs all vCPUs: -accel tcg,thread=single
  if (name === 'ALL CPUs/TCG') return { kind: 'vcpu', id: 'all', knownBy: 'thread name' };
  const io = /^IO (.+)$/s.exec(name);
  if (io && !OWN_IO_THREADS.has(io[1]!)) return { kind: 'iothread', id: ioThreadId(name, io[1]!, args), knownBy: 'thread name' };
  for (const [pattern, kind] of BY_NAME) {
    if (pattern.test(name)) return { kind, id: undefined, knownBy: kind === 'vhost' || kind === 'io_uring' ? 'kernel' : 'thread name' };
  }
  if ((stat.flags & taskFlags.ioWorker) !== 0) return { kind: 'io_uring', id: undefined, knownBy: 'kernel' };
  if (stat.guestTime > 0) return { kind: 'vcpu', id: undefined, knownBy: 'kernel' };
  return { kind: 'other', id: undefined, knownBy: 'thread name' };
}

/** A name has 15 bytes at most: a longer id is completed from the command line when only one fits. */
function ioThreadId(comm: string, id: string, args: QemuArguments): string {
  if (Buffer.byteLength(comm) < 15) return id;
  const fitting = args.ioThreads.filter(known => known.startsWith(id));
  return fitting.length === 1 ? fitting[0]! : id;
}

const ORDER: readonly RoleKind[] = ['emulator', 'vcpu', 'iothread', 'vhost', 'worker', 'migration', 'vnc', 'spice', 'call_rcu', 'io_uring', 'other', 'kernel', 'helper'];

/**
 * Emulator first, then vCPUs and I/O threads by number, then the rest. `byName` compares numbers in names as numbers: one
 * for a whole model, since `localeCompare` makes a new one each time, in 10 µs, and none at load time, where it takes 5 ms.
 */
export function roleOrder(byName: Intl.Collator): (a: { role: Role; tid: number }, b: { role: Role; tid: number }) => number {
  return (a, b) => {
    const byKind = ORDER.indexOf(a.role.kind) - ORDER.indexOf(b.role.kind);
    return byKind || byName.compare(a.role.id ?? '', b.role.id ?? '') || a.tid - b.tid;
  };
}

/** The words of a role, the same in the tree, the document and the command line: names of the field, not translated. */
export function roleText(role: Role): string {
  switch (role.kind) {
    case 'vcpu':
      return role.id === 'all' ? 'all vCPUs' : `vCPU ${shorten(role.id ?? '?')}`;
    case 'iothread':
      return `I/O thread ${shorten(role.id ?? '?')}`;
    case 'helper':
      return `helper ${role.id ?? '?'}`;
    case 'vnc':
      return 'VNC';
    case 'spice':
      return 'SPICE';
    case 'io_uring':
      return 'io_uring worker';
    case 'kernel':
      return 'kernel helper';
    default:
      return role.kind;
  }
}
