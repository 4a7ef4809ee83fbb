import { shorten } from '../parse/bytes';
import type { QemuArguments } from '../parse/cmdline';
import { type TaskStat, taskFlags } from '../parse/taskStat';
import type { Role, RoleKind, ToldRole } from './hostModel';

/** QEMU's thread names (`qemu_thread_create` in its source) and the kernel's, as far as they tell a role by themselves. */
const BY_NAME: readonly (readonly [RegExp, RoleKind])[] = [
  [/^vhost-\d/, 'vhost'],
  [/^(worker|pool-.*|nbd-connection)$/, 'worker'], // started by whoever needs one, for a while
  [/^(live_migration|migration|multifd|mig\/|bg_snapshot|dirtyrate|return path|COLO|postcopy\/|fault-(default|fast)$)/, 'migration'],
  [/^vnc_worker/, 'vnc'],
  [/^SPICE/, 'spice'],
  [/^call_rcu$/, 'call_rcu'],
  [/^iou-(wrk|sqp)-/, 'io_uring'],
  [/^kvm-(pit|nx-lpage)/, 'kernel'],
];

const VCPU = /^CPU (\d+)\/[A-Za-z]+$/;

/** QEMU's own I/O threads, which are not the machine's (`-object iothread`). */
const OWN_IO_THREADS = new Set(['mon_iothread', 'colo-compare']);

/** What this task of a QEMU process is for, how that is known, and who says something else. */
export interface Roles {
  readonly role: Role;
  readonly disagreement: readonly ToldRole[];
}

/**
 * @param ioWorkers see {@link tellsIoWorkers}
 * @param outside what others than the process say of it, the best first
 */
export function rolesOf(stat: TaskStat, pid: number, args: QemuArguments, ioWorkers: boolean | undefined, outside: readonly ToldRole[] = NONE): Roles {
  // The one that QEMU was started in, whatever it is called. libvirt before 2.3 gave its TID for the vCPUs of an emulated machine.
  if (stat.tid === pid) return { role: { kind: 'emulator', id: undefined, knownBy: 'kernel' }, disagreement: NONE };
  const named = byName(stat, args);
  const kernel = byKernel(stat, ioWorkers);
  if (outside.length === 0 && (!named || !kernel || agree(named, kernel))) return { role: named ?? kernel ?? OTHER, disagreement: NONE };
  const file = `/proc/${pid}/task/${stat.tid}/stat`;
  const name: readonly ToldRole[] = named ? [{ role: named, file, value: `(${stat.comm})` }] : NONE;
  const flag: readonly ToldRole[] = kernel ? [{ role: kernel, file, value: kernel.knownBy === 'guest time' ? `guest_time ${stat.guestTime}` : `flags ${stat.flags}` }] : NONE;
  // A name is what anybody in the process may write. It tells a vCPU's number, which the kernel does not.
  const told = [...outside, ...(named && kernel && agree(named, kernel) ? [...name, ...flag] : [...flag, ...name])];
  const best = told[0]!.role;
  const role = best.id === undefined ? (told.find(one => one.role.kind === best.kind && one.role.id !== undefined)?.role ?? best) : best;
  return { role, disagreement: told.some((one, i) => told.some((other, k) => k > i && !agree(one.role, other.role))) ? told : NONE };
}

const NONE: readonly ToldRole[] = [];
const OTHER: Role = { kind: 'other', id: undefined, knownBy: 'thread name' };

/** Whether both may be true: one of them may know no number. */
function agree(one: Role, other: Role): boolean {
  return one.kind === other.kind && (one.id === undefined || other.id === undefined || one.id === other.id || one.id === 'all' || other.id === 'all');
}

/** What the kernel has written down of a task, and no name can change. Of two looks nothing more is told: guest time that grows is above 0. */
function byKernel(stat: TaskStat, ioWorkers: boolean | undefined): Role | undefined {
  if ((stat.flags & taskFlags.ioWorker) !== 0 && (ioWorkers ?? !VCPU.test(stat.comm))) return { kind: 'io_uring', id: undefined, knownBy: 'kernel' };
  if (stat.guestTime > 0) return { kind: 'vcpu', id: undefined, knownBy: 'guest time' };
  return undefined;
}

/** `undefined` where a name tells nothing: without `-name debug-threads=on`, all are called like the process. */
function byName({ comm }: TaskStat, args: QemuArguments): Role | undefined {
  const vcpu = VCPU.exec(comm);
  if (vcpu) return { kind: 'vcpu', id: vcpu[1], knownBy: 'thread name' };
  // one thread runs all vCPUs: -accel tcg,thread=single
  if (comm === 'ALL CPUs/TCG') return { kind: 'vcpu', id: 'all', knownBy: 'thread name' };
  const io = /^IO (.+)$/s.exec(comm);
  if (io && !OWN_IO_THREADS.has(io[1]!)) return { kind: 'iothread', id: ioThreadId(comm, io[1]!, args), knownBy: 'thread name' };
  for (const [pattern, kind] of BY_NAME) {
    if (pattern.test(comm)) return { kind, id: undefined, knownBy: kind === 'vhost' || kind === 'io_uring' ? 'kernel' : 'thread name' };
  }
  return undefined;
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
