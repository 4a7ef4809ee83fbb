import { t } from '@vscode/l10n';
import type { Layout, Stage } from '../layout/layout';
import type { Hierarchy, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule, ShowPath } from './rule';
import { hierarchyText } from './words';

/**
 * `start-incomplete`: a machine is starting, and where its threads are is not where they will be.
 *
 * **Cause.** libvirt forks a child, which has all cgroups of libvirtd. systemd-machined makes a scope and moves it there in
 * `name=systemd` and in none, some or all other controllers, which depends on the other units of the host: what puzzled
 * everybody in 2016. libvirt adds it to all controllers that it uses, makes `emulator`, executes QEMU in it, and asks QEMU
 * which threads are vCPUs when that answers. Only then each vCPU and I/O thread gets a group of its own.
 *
 * **Signature.** The machine's leader is in its scope in some hierarchies and not yet in others, or vCPUs are in `emulator` and
 * not all `vcpuN` are there. Each hierarchy by itself: they follow one by one. Not said of what nobody will move (hugetlb, rdma, misc),
 * nor of a machine whose guest has run: then it is a fault.
 *
 * **Cost.** None: it is a stage. Pins and quotas of single threads do not hold until it is over: seconds, and minutes where guest
 * memory is pinned (VFIO) or allocated (huge pages).
 *
 * **Fix.** To wait until `virsh start` returns. What is moved by hand meanwhile libvirt moves again.
 *
 * **Sources.** libvirt src/util/vircgroup.c (virCgroupNewMachineSystemd, virCgroupAddMachineProcess), src/qemu/qemu_process.c
 * (qemuProcessLaunch, qemuProcessSetupVcpus); recorded starts of libvirt 9.0 on v1, hybrid and v2, each change in its order.
 */
export const startIncomplete: Rule = {
  id: 'start-incomplete',
  title: () => t('The machine is starting'),
  check(host: CheckedHost, machine: Machine): Finding[] {
    const layout = host.layoutOf(machine);
    const leader = ownThreads(machine).find(({ tid }) => tid === machine.pid);
    if (layout.stage === 'complete' || !leader) return [];
    const steps = stepsOf(host.model.hierarchies, layout, leader);
    const read = host.model.hierarchies.filter(({ key }) => leader.membership.places.has(key));
    if (read.length === 0) return []; // how far it is cannot be told where its own place could not be read
    return [{
      rule: startIncomplete.id,
      severity: 'information',
      machine,
      threads: [],
      at: { kind: 'machine' },
      evidence: (steps.length === 0 ? read : steps.flatMap(({ hierarchies }) => hierarchies)).map(hierarchy => placeLine(leader, hierarchy)),
      sentence: shown => [t('it is starting ({0})', layout.stage), ...steps.map(step => stepText(step, machine, layout, shown))].join('. '),
      cost: () => t('nothing; pins and quotas of single threads do not hold yet'),
      advice: () => t('wait until virsh start has returned: seconds, and minutes with VFIO or huge pages'),
      fixes: [],
    }];
  },
};

/** Hierarchies that have come equally far, and are in the same cgroup. */
interface Step {
  readonly stage: Stage;
  readonly path: string;
  readonly hierarchies: Hierarchy[];
}

/** Those of which the machine goes on yet. */
function stepsOf(hierarchies: readonly Hierarchy[], layout: Layout, leader: Thread): readonly Step[] {
  const steps = new Map<string, Step>();
  for (const hierarchy of hierarchies) {
    const stage = layout.stages.get(hierarchy.key);
    const place = leader.membership.places.get(hierarchy.key);
    if (stage === undefined || !place || !goesOn(hierarchy, stage, layout.stage)) continue;
    const same = steps.get(`${stage}\n${place.path}`);
    if (same) same.hierarchies.push(hierarchy);
    else steps.set(`${stage}\n${place.path}`, { stage, path: place.path, hierarchies: [hierarchy] });
  }
  return [...steps.values()];
}

/** What libvirt uses of v1 (src/util/vircgroup.c, virCgroupController), and in which it has groups of threads. */
const LIBVIRTS = new Set(['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'net_cls', 'perf_event']);
const GROUPED = new Set(['cpu', 'cpuacct', 'cpuset']);

function goesOn({ version, controllers }: Hierarchy, stage: Stage, whole: Stage): boolean {
  if (stage === 'complete') return false;
  if (stage === 'emulator') return true;
  // All controllers get the task in one step, before there is a group: what is elsewhere by then stays there.
  if (stage === 'task added') return controllers.some(controller => GROUPED.has(controller)) && whole !== 'emulator';
  return whole !== 'emulator' && (version === 2 ? controllers.length > 0 : controllers.some(controller => LIBVIRTS.has(controller)));
}

function stepText({ stage, path, hierarchies }: Step, machine: Machine, layout: Layout, shown: ShowPath): string {
  const keys = hierarchies.map(hierarchyText).join(', ');
  const where = visible(shown(path));
  const notYet = hierarchies.length === 1 ? t('libvirt\'s add-task step has not reached it') : t('libvirt\'s add-task step has not reached them');
  switch (stage) {
    case 'inherited':
      return t('{0}: still in {1}; {2}', keys, where, notYet);
    case 'scope':
      return t('{0}: in {1}, by systemd; {2}', keys, where, notYet);
    case 'task added':
      return t('{0}: in {1}; its group emulator is still to come', keys, where);
    default: {
      const waiting = ownThreads(machine).filter(thread => layout.isWaiting(thread)).length;
      if (waiting === 0) return t('{0}: all in {1} until QEMU tells which threads are vCPUs', keys, where);
      return waiting === 1 ? t('{0}: 1 vCPU or I/O thread is still to get a group of its own', keys) : t('{0}: {1} vCPUs and I/O threads are still to get groups of their own', keys, waiting);
    }
  }
}
