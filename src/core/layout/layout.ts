import type { Thread } from '../model/hostModel';

/** Those of libvirt have stages; the others are where they were put at once. */
export const STAGED = ['libvirt with systemd', 'libvirt alone', 'libvirt in a container'] as const;
export const LAYOUTS = [...STAGED, 'KubeVirt', 'Proxmox VE', 'systemd unit', 'user session', 'unmanaged'] as const;

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
   * None where the layout has no stages.
   */
  readonly stages: ReadonlyMap<string, Stage>;
  /** Whether who placed the machine has still to move this thread to its own group. */
  isWaiting(thread: Thread): boolean;
  /**
   * The cgroup in which who placed the machine puts this thread, whether or not it is there. `undefined` where the
   * layout says nothing: it does not use the hierarchy, the thread may be anywhere, the machine is not ready.
   */
  expectedPath(thread: Thread, hierarchyKey: string): string | undefined;
}

/** Whether libvirt has placed the machine. */
export function isStaged({ kind }: Pick<Layout, 'kind'>): boolean {
  return STAGED.some(staged => staged === kind);
}

/** One in which a machine is at once where it should be. */
export function withoutStages(kind: Layout['kind'], expectedPath: Layout['expectedPath'] = () => undefined): Layout {
  return { kind, stage: 'complete', stages: new Map(), isWaiting: () => false, expectedPath };
}

/** `libvirt with systemd, starting: emulator`, `Proxmox VE`: words of the field, not translated. {@link parseLayout} reads them back. */
export function layoutText({ kind, stage }: Pick<Layout, 'kind' | 'stage'>): string {
  if (!isStaged({ kind })) return kind;
  return `${kind}, ${stage === 'complete' ? stage : `starting: ${stage}`}`;
}

export function parseLayout(text: string): Pick<Layout, 'kind' | 'stage'> | undefined {
  for (const kind of LAYOUTS) for (const stage of [...STAGES].reverse()) if (text === layoutText({ kind, stage })) return { kind, stage };
  return undefined;
}
