import { t } from '@vscode/l10n';
import { without } from '../cgroup/affinity';
import type { Cgroup, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { CpuSet } from '../parse/cpuList';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { cpusText, filesOf, onlineOf } from './cpuWords';
import type { Finding, Rule } from './rule';

/**
 * `v1-hotplug-shrink`: a CPU was offline for a while, and the machine's cpusets have lost it for good.
 *
 * **Cause.** In cgroup v1 the kernel takes a CPU that goes offline (by hand, or when the host is suspended) out of every
 * cpuset. When it is back only the root gets it again.
 *
 * **Signature.** The top cpuset has an online CPU, one of libvirt's pins where those are known, that the machine's own
 * directory, or the one of all machines (`/machine`, `/machine.slice`), has not, and the machine shows that it had it: a group
 * of its threads is empty, or libvirt's pin names the CPU. Without that it may be that somebody wants it so: silent.
 *
 * **Cost.** Threads that were pinned to that CPU run on others', and no pin to it is possible (EACCES).
 *
 * **Fix.** Write the CPUs again from above downwards: the directory of all machines, the machine's, then each group. These are
 * the CPUs of the pins; where no pin is known, all that are online, which may be more than the cgroup was meant to have.
 *
 * **Sources.** Documentation/admin-guide/cgroup-v1/cpusets.rst; kernel/cgroup/cpuset-v1.c (hotplug); tp-libvirt#1310.
 */
export const v1HotplugShrink: Rule = {
  id: 'v1-hotplug-shrink',
  title: () => t('A CPU that was offline has not come back to the machine'),
  check: ofMachine,
};

/** Groups of threads have what they are pinned to. */
const OWN_PART = /\/(emulator|(vcpu|iothread)\d+)$/;

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const { cpus: facts } = host;
  const { hierarchy, online } = facts;
  if (hierarchy?.version !== 1 || !online) return [];
  const top = hierarchy.cgroups.get('/')?.cpus;
  if (!top) return [];
  const wanted = top.intersect(online);
  const pinned = facts.pinned(machine);
  const needed = pinned.isEmpty ? wanted : pinned.intersect(wanted);
  const lacking = host.cpusetsAround(machine).filter(({ cpus, path }) => cpus && !cpus.isEmpty && path !== '/' && !needed.isSubsetOf(cpus) && !OWN_PART.test(path));
  const highest = lacking.sort((a, b) => a.path.length - b.path.length)[0];
  if (!highest) return [];
  const missing = without(needed, highest.cpus!);
  const isLibvirts = /^\/machine(\.slice)?$/.test(highest.path) || host.isOwn(machine, highest);
  const losers = isLibvirts ? losersOf(host, machine, missing) : [];
  // One that is for all machines is given at once what any of them has lost.
  const all = pinned.isEmpty || host.isOwn(machine, highest) ? missing : facts.pinnedOnHost.intersect(wanted);
  return losers.length === 0 ? [] : [finding(host, machine, { highest, top, missing, all: highest.cpus!.union(all), arePinsKnown: !pinned.isEmpty, losers })];
}

/** Those that had one of these CPUs, for all that is known. */
function losersOf(host: CheckedHost, machine: Machine, missing: CpuSet): Thread[] {
  const layout = host.layoutOf(machine);
  return ownThreads(machine).filter(thread => {
    const expected = host.cpus.expected(layout, thread);
    const group = expected === undefined ? undefined : host.cpus.hierarchy?.cgroups.get(expected);
    const pin = host.cpus.pin(machine, thread);
    return pin ? !pin.intersect(missing).isEmpty : group?.cpus?.isEmpty === true;
  });
}

interface Shrunk {
  readonly highest: Cgroup;
  readonly top: CpuSet;
  readonly missing: CpuSet;
  /** What it is to have. */
  readonly all: CpuSet;
  readonly arePinsKnown: boolean;
  readonly losers: readonly Thread[];
}

function finding(host: CheckedHost, machine: Machine, { highest, top, missing, all, arePinsKnown, losers }: Shrunk): Finding {
  const { model, cpus: facts } = host;
  return {
    rule: v1HotplugShrink.id,
    severity: 'warning',
    machine,
    threads: losers,
    at: { kind: 'value', hierarchy: highest.hierarchy, path: highest.path, name: 'cpus' },
    evidence: [{ file: `${facts.hierarchy!.mountPoint ?? ''}/cpuset.cpus`, value: top.toString() }, ...filesOf(highest, 'cpuset.cpus'), ...onlineOf(model)],
    sentence: shown => t('{0} is online, and {1} has not got it: it has {2}', cpusText(missing), visible(shown(highest.path)), cpusText(highest.cpus!)),
    cost: () => t('what was pinned to {0} runs on other CPUs, and cannot be pinned there again', cpusText(missing)),
    advice: shown => {
      const write = t('write {0} to cpuset.cpus of {1}, then of each cgroup below it, from above downwards', all.toString(), visible(shown(highest.path)));
      return arePinsKnown ? write : t('{0}; that is all that is online, for no pin of libvirt\'s is known: leave out what it was not to have', write);
    },
    fixes: host.isOwnLimit(machine, highest) ? [{ title: shown => t('Give {0} {1}', visible(shown(highest.path)), cpusText(all)), changes: () => [{ kind: 'set', hierarchy: highest.hierarchy, path: highest.path, file: 'cpuset.cpus', value: all.toString() }] }] : [],
  };
}
