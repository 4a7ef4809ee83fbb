import type { QemuArguments } from '../parse/cmdline';
import { type LibvirtStatus, parseLibvirtStatus } from '../parse/libvirtStatus';
import type { RawSnapshot } from '../rawSnapshot';
import type { LibvirtState, Problem, ToldRole } from './hostModel';
import { Pace } from './pace';
import type { Process } from './processes';

/** What is said of a process from outside of it. */
export interface SaidOfProcess {
  readonly libvirt: LibvirtState | undefined;
  /** By TID, the best source first. */
  readonly roles: ReadonlyMap<number, readonly ToldRole[]>;
}

const STATUS = /^\/run\/(?:user\/\d+\/libvirt\/qemu\/run|libvirt\/qemu)\/[^/]+\.xml$/;
const KVM_VCPU = /^\/sys\/kernel\/debug\/kvm\/(\d+)-(\d+)\/vcpu(\d+)\/pid$/;

/**
 * Those that know a machine's vCPUs besides its own process: libvirt's live state, and KVM's debugfs. Both are asked by
 * reading their files: `virsh vcpuinfo` names no TID, and a question to QEMU would disturb the guest.
 */
export class Outside {
  private readonly statuses = new Map<number, { readonly file: string; readonly status: LibvirtStatus }[]>();
  private readonly kvm = new Map<number, KvmVcpu[]>();

  static async read(raw: RawSnapshot, problems: Problem[], pace: Pace): Promise<Outside> {
    const outside = new Outside();
    const ofStatuses = new Pace(1); // a made-up one takes a millisecond and more
    for (const [path, text] of raw.files) {
      const pause = (path.startsWith('/run/') ? ofStatuses : pace).breathe();
      if (pause) await pause;
      if (path.startsWith('/run/')) outside.libvirt(path, text, problems);
      else if (path.startsWith('/sys/kernel/debug/')) outside.debugfs(path, text);
    }
    return outside;
  }

  of(process: Process, args: QemuArguments): SaidOfProcess {
    const tids = new Set(process.tasks.map(({ stat }) => stat.tid));
    const said = this.statuses.get(process.pid)?.find(({ status }) => isOf(status, args, tids));
    const kvm = this.kvm.get(process.pid);
    if (!said && !kvm) return NOTHING;
    const roles = new Map<number, ToldRole[]>();
    const tell = (tid: number, one: ToldRole): void => {
      if (!tids.has(tid)) return;
      const already = roles.get(tid);
      if (already) already.push(one);
      else roles.set(tid, [one]);
    };
    if (said) {
      for (const [n, tid] of said.status.vcpus) tell(tid, { role: { kind: 'vcpu', id: String(n), knownBy: 'libvirt' }, file: said.file, value: `<vcpu id='${n}' pid='${tid}'/>` });
    }
    const counted = isCounted(kvm ?? []);
    for (const { n, tid, file } of kvm ?? []) tell(tid, { role: { kind: 'vcpu', id: counted ? String(n) : undefined, knownBy: 'debugfs' }, file, value: String(tid) });
    return { libvirt: said && stateOf(said.status), roles };
  }

  private libvirt(file: string, text: string, problems: Problem[]): void {
    if (!STATUS.test(file)) return;
    const status = parseLibvirtStatus(text);
    if (!status) problems.push({ path: file, errno: 'unexpected content' });
    else add(this.statuses, status.pid, { file, status });
  }

  private debugfs(file: string, text: string): void {
    const [, pid, fd, n] = KVM_VCPU.exec(file) ?? [];
    const tid = /^\d{1,10}\n?$/.test(text) ? Number(text) : 0; // 0 until it runs for the first time
    if (pid !== undefined && tid > 0) add(this.kvm, Number(pid), { vm: Number(fd), n: Number(n), tid, file });
  }
}

const NOTHING: SaidOfProcess = { libvirt: undefined, roles: new Map() };

interface KvmVcpu {
  readonly vm: number;
  readonly n: number;
  readonly tid: number;
  readonly file: string;
}

/**
 * The file of a dead machine stays until libvirt notices, and its PID may be another process's by then: the UUID that
 * libvirt has given to this one must be the same (its name, where it has none), and its vCPUs must be threads of it.
 */
function isOf({ uuid, name, vcpus }: LibvirtStatus, args: QemuArguments, tids: ReadonlySet<number>): boolean {
  if (args.uuid === undefined ? args.name !== name : args.uuid.toLowerCase() !== uuid) return false;
  return vcpus.size === 0 || [...vcpus.values()].some(tid => tids.has(tid));
}

/**
 * KVM's number of a vCPU is what QEMU gave it: on x86 the APIC id, which has gaps where a socket's or a core's count is
 * no power of two (target/i386/cpu.c x86_cpu_realizefn, accel/kvm/kvm-all.c kvm_arch_vcpu_id). Without a gap it is QEMU's own number.
 */
function isCounted(vcpus: readonly KvmVcpu[]): boolean {
  const numbers = new Set(vcpus.map(({ n }) => n));
  return numbers.size === vcpus.length && vcpus.every(({ vm, n }) => vm === vcpus[0]!.vm && n < vcpus.length);
}

/** A vCPU and the emulator without a pin have the CPUs of `<vcpu cpuset>` (src/qemu/qemu_process.c qemuProcessSetupPid). */
function stateOf({ vcpus, cpuset, vcpuPins, ioThreadPins, emulatorPin }: LibvirtStatus): LibvirtState {
  const pins = new Map(vcpuPins);
  if (cpuset) for (const n of vcpus.keys()) if (!pins.has(n)) pins.set(n, cpuset);
  return { vcpus, vcpuPins: pins, ioThreadPins, emulatorPin: emulatorPin ?? cpuset };
}

function add<T>(map: Map<number, T[]>, key: number, value: T): void {
  const already = map.get(key);
  if (already) already.push(value);
  else map.set(key, [value]);
}
