import { t } from '@vscode/l10n';
import type { Because } from '../cgroup/outcome';
import { visible } from '../visible';
import { KERNEL_SENTENCES } from './kernelSentences';

type Details = Because['details'];
type Sentence = (detail: (name: string) => string, details: Details) => string;

/** A reason as a sentence for people: what, where, why, what to do. */
export function sentence({ id, details }: Because): string {
  const detail = (name: string): string => visible(String(details[name] ?? '?'));
  return (SENTENCES[id] ?? KERNEL_SENTENCES[id])?.(detail, details) ?? `${visible(id)} ${visible(JSON.stringify(details))}`;
}

/** `768 MiB` */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = bytes;
  for (; value >= 1024 && at < units.length - 1; at++) value /= 1024;
  return `${value < 10 && at > 0 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

const memoryMoves: Sentence = (d, { rss }) =>
  t('The memory of {0} ({1} resident) may be copied from NUMA node {2} to {3}: the guest stands still for that long.', d('machine'), bytesText(Number(rss ?? 0)), d('from'), d('to'));

/** What the planner itself says; what the kernel would say is in `kernelSentences.ts`. */
const SENTENCES: Readonly<Record<string, Sentence>> = {
  // refusals
  'thread-gone': d => t('TID {0} ({1}) is gone. Refresh and choose again.', d('tid'), d('thread')),
  'thread-bound': d => t('TID {0} ({1}) is a kernel thread that the kernel has bound to its CPUs: it can neither be moved nor pinned.', d('tid'), d('thread')),
  'task-unknown': () => t('Nothing is known of this task.'),
  'place-unknown': d => t('Where TID {0} is in {1} is not known: its cgroup was removed, or is not to be seen from here.', d('tid'), d('hierarchy')),
  'cgroup-unreachable': d => t('{1} has no directory here: the hierarchy {0} is not mounted for this reader, the name cannot be one of a cgroup, or what is above it is not known.', d('hierarchy'), d('path')),
  'other-directory': d => t('{1} ({0}) is at {3} on this host, and would be written at {2}: nothing is written there. Its history was changed, or the hierarchy is mounted elsewhere by now.', d('hierarchy'), d('path'), d('directory'), d('known')),
  'cpus-unknown': () => t('Which CPUs this host has could not be read.'),
  'said-twice': d => t('Two changes want different things of {0}. Leave one of them out.', d('what')),
  'nothing-to-do': () => t('Nothing to do: it is that way already.'),
  'nothing-to-undo': () => t('Nothing to undo: what was done is gone, was changed again since, or has no way back.'),
  'machine-starting': d => t('{0} is starting: libvirt moves and pins its threads itself until it runs. Wait, refresh, then look again.', d('machine')),
  'machine-migrating': d => t('{0} is migrating or being saved (thread {1}, TID {2}): its threads are left alone until that is over.', d('machine'), d('thread'), d('tid')),
  'outside-subtree': d => t('{1} ({0}) is outside the machine\'s own cgroups: it has other limits and another owner, and others may be in it. Only in expert mode (setting cgroupLens.expertMode, --expert).', d('hierarchy'), d('path')),
  'may-be-shared': d => t('{1} ({0}) is where the machine\'s threads are, and nothing says that it was made for it: a limit would hold for everything else in it. Only in expert mode (setting cgroupLens.expertMode, --expert).', d('hierarchy'), d('path')),
  'whole-process': d => t('This moves the whole process {0} from {1} to {2}, away from its memory and io limits, its device rules, and the unit that stops it. Only in expert mode (setting cgroupLens.expertMode, --expert).', d('process'), d('from'), d('to')),
  'pin-empty': d => t('TID {0} cannot be pinned to no CPU at all.', d('tid')),
  'pin-offline': d => t('CPUs {0}: not all of them are online ({1}).', d('cpus'), d('online')),
  'pin-outside-cpuset': d => t('{3} (TID {4}): CPUs {0} are not all in its cpuset {2}, which has {1}: the kernel would drop the others without a word. Pin within it, or widen the cpuset first.', d('cpus'), d('granted'), d('path'), d('thread'), d('tid')),
  'pin-without-cpuset': d => t('{3} (TID {4}): none of the CPUs {0} is in its cpuset {2}, which has {1}: the kernel would refuse it. Pin within it, or widen the cpuset first.', d('cpus'), d('granted'), d('path'), d('thread'), d('tid')),
  'policy-not-offered': d => t('The policy {0} is not set by this tool.', d('policy')),
  'priority-range': d => t('{0} cannot have priority {1}: fifo and rr have 1 to 99, the others 0.', d('policy'), d('priority')),
  'nice-range': d => t('{0} is no nice value: those are −20 to 19.', d('nice')),
  'realtime-not-isolated': d => t('A real-time thread takes its CPU from everybody else there, and CPUs {0} are not isolated ({1}): a vCPU that spins could stop the host. Pin it to isolated CPUs first.', d('cpus'), d('isolated') || t('none is')),
  'realtime-unlimited': d => t('kernel.sched_rt_runtime_us is −1: nothing would take CPUs {0} back from a real-time thread that spins. Set a limit first.', d('cpus')),
  'file-never': d => t('{0} is not written by this tool: it can end or starve a guest, or belongs to who made the cgroup.', d('file')),
  'value-lines': d => t('The value of {0} has to be one line.', d('file')),
  'unit-of-systemd': d => t('{0} is a unit\'s own cgroup, and {1} of it is systemd\'s to write: it would write it again. Ask for it in the unit (Delegate=, AllowedCPUs=).', d('path'), d('file')),
  'unit-becomes': d => t('{0} is a unit\'s own cgroup and would become "{1}": systemd could put no process there any more. Work one level below.', d('path'), d('type')),
  'confirmed-alone': (d, details) => t('One of these changes has to be confirmed alone: {0} Make it by itself, then the others.', details['why'] === 'memory-moves' ? memoryMoves(d, details) : d('why')),
  'refused-by-kernel': d => t('The kernel would refuse it ({0}).', d('errno')),
  // consent
  'memory-moves': memoryMoves,
  'file-typed': d => {
    const what = t('{0} = {1} in {2}', d('file'), d('value') === '' ? '""' : d('value'), d('path'));
    if (d('file') === 'cpuset.cpus.partition') return t('{0} shares out CPUs anew: it can take them from all others, or give them back.', what);
    return /^(THAWED|0)$/.test(d('value').trim()) ? t('{0} lets run again what was frozen there.', what) : t('{0} stops all that runs there: the guest stands still until it is thawed.', what);
  },
  'moves-into-frozen': d => t('{0} is frozen: what is moved there stands still until it is thawed.', d('path')),
  // warnings
  'outside-subtree-expert': d => t('{1} ({0}) is outside the machine\'s own cgroups: its limits and its owner are others.', d('hierarchy'), d('path')),
  'whole-process-loses': d => t('The process {0} leaves {1} for {2}: its memory and io limits, its device rules and the count of its tasks there are lost. It is stopped with {4} then, and not with {3} any more.', d('process'), d('from'), d('to'), d('unit') || t('no unit'), d('newUnit') || t('no unit')),
  'thread-waits': d => t('{0} (TID {1}) has no place of its own yet: the machine is starting, and when QEMU has answered libvirt moves it to its group and pins it.', d('thread'), d('tid')),
  'systemd-writes-again': d => t('{0} is a unit of systemd: it writes its values again at daemon-reload and set-property.', d('unit')),
  'kubelet-reconciles': d => t('{0} is the kubelet\'s: its CPU manager puts CPUs back within seconds.', d('path')),
  'libvirt-does-not-see': () => t('libvirt does not notice where a thread is: it moves none back, and its vcpupin does not move one either.'),
  'libvirt-writes-again': d => t('{0} is libvirt\'s: it writes its value again with virsh vcpupin, schedinfo and when the machine starts next.', d('path')),
  'owners-tool': d => t('{0} changes what the owner knows as well: the value stays when it writes again.', d('tool')),
  'owners-tool-all': d => t('It sets the same for every {0} of the machine, not for this one alone.', d('what')),
  'owners-tool-not-emptied': d => t('cpuset.cpus of {0} is empty and cannot be emptied again while tasks are in it: taken back, it names the CPUs that it has now ({1}).', d('path'), d('cpus')),
  'no-affinity-tool': d => t('{0} has none of taskset, busybox, python3 and perl: nothing there can pin a thread. Install util-linux.', d('host')),
  'no-way-back': () => t('A step of it cannot be undone.'),
  'edited-machine-gone': d => t('{0} (PID {1}) is gone, or was started anew since the edit began.', d('machine'), d('pid')),
  'edited-cgroup-gone': d => t('{1} ({0}) is gone since the edit began.', d('hierarchy'), d('path')),
  'edited-thread-gone': d => t('TID {0} is gone since the edit began, or is another thread.', d('tid')),
  'edited-value-changed': d => t('{0} of {1} was {2} when the edit began and is {3} by now: left alone.', d('name'), d('path'), d('was'), d('found')),
  'edited-place-changed': d => t('TID {0} ({1}) was in {2} when the edit began and is in {3} by now: left alone.', d('tid'), d('comm'), d('was'), d('found')),
  'edited-cpus-changed': d => t('TID {0} ({1}) might run on {2} when the edit began and may on {3} by now: left alone.', d('tid'), d('comm'), d('was'), d('found')),
  'edited-scheduling-changed': d => t('TID {0} ({1}) was scheduled as {2} when the edit began and is as {3} by now: left alone.', d('tid'), d('comm'), d('was'), d('found')),
  'machine-since': d => t('{0} (PID {1}), to which it was done, is not found here any more, or was started anew: what is in its place now may never have had what is given back.', d('machine'), d('pid')),
  stays: d => t('{0} stays as it is: {1}', d('what'), d('why')),
  // ways back
  'policy-not-restored': d => t('The policy {0} it had cannot be given back.', d('policy')),
  'source-unreachable': d => t('{0}, where it was, has no directory here.', d('path')),
  'type-one-way': () => t('"threaded" cannot be taken back; it goes with its cgroup.'),
  'value-not-read': d => t('What {0} read before is not known.', d('file')),
  'affinity-unknown': d => t('On which CPUs TID {0} might run before is not known.', d('tid')),
  'mask-beyond-cpuset': d => t('It is pinned to {0} again; whether it was pinned to CPUs outside its cpuset ({1}) as well, the kernel does not tell.', d('cpus'), d('granted')),
  'threads-gathered': d => t('All threads go to {0} together: where each of them was cannot be brought back.', d('path')),
  'values-anew': d => t('{0} is made anew with the values that are known of it.', d('path')),
  'tool-not-undone': () => t('How that tool takes it back is not known.'),
  'tool-takes-back': d => t('{0} is asked to set what it was.', d('tool')),
  'tool-decides': d => t('{0} decides.', d('tool')),
  'moved-since': d => t('TID {0} is in {1} by now, not in {2}: left alone.', d('tid'), d('path'), d('put')),
  'pinned-since': d => t('TID {0} may run on {1} by now, not on {2}: left alone.', d('tid'), d('cpus'), d('put')),
  'scheduled-since': d => t('TID {0} is scheduled as {1} {2} nice {3} by now: left alone.', d('tid'), d('policy'), d('priority'), d('nice')),
  'written-since': d => t('{1} of {0} reads {2} by now, not {3}: left alone.', d('path'), d('file'), d('value'), d('put')),
};
