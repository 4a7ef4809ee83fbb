import { t } from '@vscode/l10n';
import { ownThreads } from '../model/machines';
import type { Machine, RoleKind, Thread } from '../model/hostModel';
import type { CheckedHost } from './checkedHost';
import type { Evidence, Finding, Rule } from './rule';

/**
 * `nameless-threads`: all threads of a QEMU have its own name.
 *
 * **Cause.** QEMU names its threads only with `-name …,debug-threads=on`, which libvirt always gives and a script of one's own, Kata
 * or Ganeti did not. QEMU 11 names them always.
 *
 * **Signature.** No thread of the process is called `CPU N/…`, and it has vCPUs: libvirt or KVM's debugfs knows some, a thread has run a guest, one is in a
 * group `vcpuN`, or no thread at all has a name of its own. Not while it starts: threads that are there before the
 * vCPUs have no name of their own either.
 *
 * **Cost.** Nothing to the guest. Who reads `ps`, `top` or `perf` cannot tell a vCPU from a worker; nor can we, but by libvirt's state and debugfs
 * (root reads them) or by guest time, which tells no number. Where a role is not known, no rule about it says anything.
 *
 * **Fix.** Start it with `-name guest=NAME,debug-threads=on`; a running QEMU cannot be told. Until then, look as root.
 *
 * **Sources.** QEMU util/qemu-thread-posix.c (qemu_thread_naming), docs/about/deprecated.rst; libvirt src/qemu/qemu_command.c
 * (qemuBuildNameCommandLine); kata-containers#9400, ganeti#1526.
 */
export const namelessThreads: Rule = {
  id: 'nameless-threads',
  title: () => t('Threads have no names'),
  check: ofMachine,
};

function ofMachine(_host: CheckedHost, machine: Machine): Finding[] {
  const own = ownThreads(machine).filter(({ role }) => !OF_THE_KERNEL.has(role.kind));
  const emulator = own.find(({ role }) => role.kind === 'emulator');
  const named = own.some(({ comm }) => /^(CPU \d+\/|ALL CPUs\/)/.test(comm));
  if (machine.state !== 'running' || named || !emulator) return [];
  const vcpus = own.filter(({ role }) => role.kind === 'vcpu');
  const others = own.filter(({ role, comm }) => role.kind === 'other' && comm === emulator.comm);
  const grouped = others.filter(isInVcpuGroup);
  const isAllAlike = others.length === own.length - 1 && others.length >= ALIKE;
  if (vcpus.length === 0 && grouped.length === 0 && !isAllAlike) return [];
  const isKnown = vcpus.length > 0 && grouped.length === 0 && vcpus.every(({ role }) => role.id !== undefined);
  return [
    {
      rule: namelessThreads.id,
      severity: isKnown ? 'hint' : 'information',
      machine,
      threads: isKnown ? [] : [...vcpus, ...others],
      at: { kind: 'machine' },
      evidence: evidence(vcpus[0] ?? grouped[0] ?? others[0]!),
      sentence: () => t('no thread is called CPU N: QEMU was started without debug-threads=on'),
      cost: () => (isKnown ? t('ps, top and perf cannot tell a vCPU from other threads') : t('which thread is which vCPU is not known here, and nothing can be said of their places')),
      advice: () => t('start QEMU with -name guest=NAME,debug-threads=on; a running one cannot be told, but root can read libvirt\'s state and KVM\'s debugfs'),
      fixes: [],
    },
  ];
}

/** Named by the kernel, whatever QEMU does. */
const OF_THE_KERNEL: ReadonlySet<RoleKind> = new Set<RoleKind>(['kernel', 'vhost', 'io_uring']);

/** Besides the first there is one before any vCPU (RCU), and a second with some devices. */
const ALIKE = 3;

function isInVcpuGroup({ membership }: Thread): boolean {
  for (const { path } of membership.places.values()) if (/\/vcpu\d+$/.test(path)) return true;
  return false;
}

function evidence({ pid, tid, comm }: Thread): Evidence[] {
  return [{ file: `/proc/${pid}/task/${tid}/stat`, value: `(${comm})` }];
}
