import type { Thread } from '../model/hostModel';

export const LAYOUTS = ['libvirt with systemd', 'libvirt alone'] as const;

/**
 * How far the start of a machine has come, in the order of time, named after where libvirt has put it by then:
 * where libvirtd is, the scope that systemd-machined made (libvirt src/util/vircgroup.c, virCgroupNewMachineSystemd), the
 * directory that libvirt made for it (virCgroupAddMachineProcess), its group `emulator` (src/qemu/qemu_process.c,
 * qemuProcessSetupEmulator), and each vCPU and I/O thread in a group of its own (qemuProcessSetupVcpus, qemuProcessSetupIOThreads).
 */
export const STAGES = ['inherited', 'scope', 'task added', 'emulator', 'complete'] as const;
export type Stage = (typeof STAGES)[number];

/** Who placed a machine, and how it should look. Recognised by its shape, never by the version of who made it. */
export interface Layout {
  readonly kind: (typeof LAYOUTS)[number];
  /** `complete` unless the machine is starting. */
  readonly stage: Stage;
  /**
   * The same in each hierarchy by itself. Only one with groups of threads comes to `emulator` and `complete`; what libvirt
   * does not use ends as it was inherited (hugetlb, rdma, misc), what only systemd does at `scope` (pids, name=systemd).
   */
  readonly stages: ReadonlyMap<string, Stage>;
  /** Whether who placed the machine has still to move this thread to its own group. */
  isWaiting(thread: Thread): boolean;
  /**
   * The cgroup in which who placed the machine puts this thread, whether or not it is there. `undefined` where the
   * layout says nothing: the hierarchy has no groups of threads, the thread may be anywhere, the machine is not ready.
   */
  expectedPath(thread: Thread, hierarchyKey: string): string | undefined;
}

/** `libvirt with systemd, starting: emulator`: words of the field, not translated. {@link parseLayout} reads them back. */
export function layoutText({ kind, stage }: Pick<Layout, 'kind' | 'stage'>): string {
  return `${kind}, ${stage === 'complete' ? stage : `starting: ${stage}`}`;
}

export function parseLayout(text: string): Pick<Layout, 'kind' | 'stage'> | undefined {
  for (const kind of LAYOUTS) for (const stage of STAGES) if (text === layoutText({ kind, stage })) return { kind, stage };
  return undefined;
}
