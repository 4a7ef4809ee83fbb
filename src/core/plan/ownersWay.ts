import { t } from '@vscode/l10n';
import type { RunTool } from '../cgroup/action';
import { textOf } from '../cgroup/files';
import type { Because } from '../cgroup/outcome';
import type { Cgroup, Machine, Thread } from '../model/hostModel';
import { cgroupOwner, valuesOwner } from '../model/owner';
import { parseCpuList } from '../parse/cpuList';
import { type Context, reason } from './context';
import type { Change, Plan, Precondition, Step } from './plan';
import { fileKey, hierarchyOf, taskRef } from './refs';

const VIRSH = ['virsh', '-c', 'qemu:///system'] as const;

/** A command of the owner's, and the one that takes it back. */
interface Way {
  readonly argv: readonly string[];
  readonly back: readonly string[] | undefined;
  readonly thread?: Thread;
  /** What else changes with it. */
  readonly besides?: Because;
}

/** Warnings that the owner writes values again or does not know of them: by its own tool it does. */
const OF_OWNERS = new Set(['libvirt-writes-again', 'libvirt-does-not-see', 'systemd-writes-again', 'no-way-back']);

/**
 * The same by the tools of who owns the values, so that they know of it and write it again: only where they have a way
 * for each change. libvirt has none for a thread in the wrong cgroup (`vcpupin` answers 0 and leaves it there), and no
 * `--config` is offered: nova and KubeVirt write that anew.
 */
export function ownersWay(context: Context, changes: readonly Change[], plan: Plan): Plan | undefined {
  const found = changes.map(change => waysOf(context, change));
  if (found.length === 0 || !found.every(ways => ways !== undefined)) return undefined;
  const ways = unlessContrary(found.flat());
  if (!ways) return undefined;
  const tool = ways[0]!.argv.find(word => word === 'virsh' || word === 'systemctl') ?? ways[0]!.argv[0]!;
  const besides = new Map(ways.flatMap(way => (way.besides ? [[JSON.stringify(way.besides), way.besides] as const] : [])));
  const warnings = [reason('owners-tool', { tool }), ...besides.values()].map(because => ({ because }));
  const [first, ...others] = ways.map(({ argv, back, thread }) => toolStep(argv, back, thread));
  const steps = [{ ...first!, preconditions: [...asRead(plan), ...first!.preconditions] }, ...others];
  return { ...plan, title: t('{0}, by {1}', plan.title, tool), steps, warnings: [...plan.warnings.filter(({ because }) => !OF_OWNERS.has(because.id)), ...warnings] };
}

/** What the plan was made of: the machine has no job, its threads are there and where they were, and no value has changed. */
function asRead({ steps }: Plan): Precondition[] {
  const once = new Map<string, Precondition>();
  for (const condition of steps.flatMap(({ preconditions }) => preconditions)) {
    // The second of a file is what the first step has written; a pin may be gone with a cpuset that was widened first.
    const key = condition.kind === 'value' ? fileKey(condition.cgroup, condition.file) : JSON.stringify(condition);
    if (['idle', 'alive', 'place', 'value'].includes(condition.kind) && !once.has(key)) once.set(key, condition);
  }
  return [...once.values()];
}

/** Each once; `undefined` where two give one thread different CPUs: the cpuset and the pin of it are one thing to libvirt. */
function unlessContrary(ways: readonly Way[]): readonly Way[] | undefined {
  const once = new Map(ways.map(way => [JSON.stringify(way.argv), way]));
  const targets = new Set([...once.values()].map(({ argv }) => JSON.stringify(argv.includes('--cpulist') ? argv.filter((_, i) => argv[i - 1] !== '--cpulist') : argv)));
  return targets.size === once.size ? [...once.values()] : undefined;
}

/** @param back takes it back */
export function toolStep(argv: readonly string[], back: readonly string[] | undefined, thread?: Thread): Step {
  const action: RunTool = { kind: 'tool', argv };
  const tool = argv[0]!;
  return {
    action,
    preconditions: thread ? [{ kind: 'alive', task: taskRef(thread) }] : [],
    outcomes: [{ errno: undefined, because: reason('tool-decides', { tool }), effects: [] }],
    before: undefined,
    undo: back ? { kind: 'best effort', because: reason('tool-takes-back', { tool }), actions: [{ kind: 'tool', argv: back }] } : { kind: 'irreversible', because: reason('tool-not-undone'), actions: [] },
  };
}

function waysOf(context: Context, change: Change): readonly Way[] | undefined {
  switch (change.kind) {
    case 'pin':
      return some(pinWay(context, change));
    case 'set':
      return some(valueWay(context, change, change.file, change.value, change.before));
    case 'quota': {
      const { quota, period } = change.to;
      const ofUnit = valueWay(context, change, 'cpu.max', `${quota} ${period}`, undefined);
      if (ofUnit) return [ofUnit];
      const both = [valueWay(context, change, 'cpu.cfs_period_us', String(period), undefined), valueWay(context, change, 'cpu.cfs_quota_us', String(quota === 'max' ? -1 : quota), undefined)];
      return both.every(way => way !== undefined) ? both : undefined;
    }
    default:
      return undefined;
  }
}

function some(way: Way | undefined): readonly Way[] | undefined {
  return way && [way];
}

/**
 * How virsh finds this machine and no other. It takes a word for an id first, then for a UUID, and only then for a name
 * (libvirt tools/virsh-util.c, virshLookupDomainInternal), and libvirt defines a domain that is called `7`, or as another's
 * UUID: such a one is named by its own UUID. With `--domain`, for a name may begin with a dash.
 */
function domainOf({ name, uuid }: Machine): readonly string[] | undefined {
  if (!/^\s*\+?\d+$/.test(name) && !/^[\da-f]{32}$/i.test(name.replace(/[\s-]/g, ''))) return ['--domain', name];
  return uuid !== undefined && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(uuid) ? ['--domain', uuid] : undefined;
}

function pinWay({ model, machine, options }: Context, { thread, cpus }: Pick<Extract<Change, { kind: 'pin' }>, 'thread' | 'cpus'>): Way | undefined {
  const target = cpus === 'all' ? model.topology.online : cpus;
  const what = target && libvirtThread(thread);
  const domain = machine && domainOf(machine);
  if (!domain || !what) return undefined;
  const command = (list: string): string[] => [...(options.virsh ?? VIRSH), what.command, ...domain, ...what.which, '--cpulist', list, '--live'];
  return { argv: command(target.toString()), back: thread.cpusAllowed && command(thread.cpusAllowed.toString()), thread };
}

/** Of a group of libvirt's: it gives the thread and its group the same CPUs. */
function groupWay(context: Context, hierarchy: string, path: string, value: string): Way | undefined {
  const cpus = parseCpuList(value);
  const thread = context.machine?.threads.find(one => one.membership.places.get(hierarchy)?.path === path && libvirtThread(one) !== undefined);
  return thread && cpus && !cpus.isEmpty ? pinWay(context, { thread, cpus }) : undefined;
}

/** Below whose own systemd a cgroup is: that user can lay out groups there like libvirt's, and the domain of that name is another. */
function userOf(path: string): number | undefined {
  const uid = /\/user@(\d+)\.service(?:\/|$)/.exec(path)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** What libvirt calls a thread that is where it has put it. */
function libvirtThread(thread: Thread): { readonly command: string; readonly which: readonly string[] } | undefined {
  if ([...thread.membership.places.values()].some(({ path }) => userOf(path) !== undefined)) return undefined;
  const groups = new Set([...thread.membership.places.values()].flatMap(({ path }) => /(?:\.scope|\.libvirt-qemu)(?:\/libvirt)?\/(emulator|vcpu\d+|iothread\d+)$/.exec(path)?.[1] ?? []));
  const [group] = groups;
  if (groups.size !== 1) return undefined;
  const { kind, id } = thread.role;
  if (kind === 'vcpu' && group === `vcpu${id}`) return { command: 'vcpupin', which: ['--vcpu', id!] };
  if (kind === 'emulator' && group === 'emulator') return { command: 'emulatorpin', which: [] };
  const number = kind === 'iothread' ? /^iothread(\d+)$/.exec(id ?? '')?.[1] : undefined;
  return number !== undefined && group === `iothread${number}` ? { command: 'iothreadpin', which: ['--iothread', number] } : undefined;
}

/** Of a machine's own scope systemd has the CPUs, the quota and the weight; of libvirt's groups below it libvirt has what is the same for the whole domain. */
function valueWay(context: Context, { hierarchy: key, path }: { readonly hierarchy: string; readonly path: string }, file: string, value: string, before: string | undefined): Way | undefined {
  const { model, machine, options } = context;
  const hierarchy = hierarchyOf(model, key);
  const cgroup = hierarchy?.cgroups.get(path);
  if (!hierarchy || !cgroup) return undefined;
  const former = bandwidthText(cgroup, file) ?? textOf(cgroup, file) ?? before;
  const owner = cgroupOwner(model, hierarchy, path);
  if (owner.kind === 'unit') {
    if (owner.manager === 'user' && userOf(path) !== model.collection.user?.uid) return undefined; // `systemctl --user` asks the manager of who runs it
    const wanted = unitProperties(file, value, former);
    const back = former === undefined ? undefined : unitProperties(file, former === '' ? (cgroup.cpusEffective?.toString() ?? '') : former, value);
    const command = (assignments: readonly string[]): string[] => ['systemctl', ...(owner.manager === 'user' ? ['--user'] : []), 'set-property', '--runtime', '--', owner.unit, ...assignments];
    // No cpuset of tasks can be emptied again (ENOSPC): systemd says so in its journal alone.
    const besides = file === 'cpuset.cpus' && former === '' ? { besides: reason('owners-tool-not-emptied', { path, cpus: cgroup.cpusEffective?.toString() ?? '?' }) } : {};
    return wanted && { argv: command(wanted), back: back && command(back), ...besides };
  }
  const { kind } = valuesOwner(model, hierarchy, path);
  if (file === 'cpuset.cpus') return kind === 'libvirt' || kind === 'nova' ? groupWay(context, key, path, value) : undefined;
  const name = machine && (kind === 'libvirt' || kind === 'nova') ? schedinfoName(path, file) : undefined;
  const domain = machine && userOf(path) === undefined ? domainOf(machine) : undefined;
  if (!domain || name === undefined || !/^-?\d+$/.test(value)) return undefined;
  const command = (text: string): string[] => [...(options.virsh ?? VIRSH), 'schedinfo', ...domain, '--live', '--set', `${name}=${text}`];
  const besides = /^(vcpu|iothread)_/.test(name) ? { besides: reason('owners-tool-all', { what: name.startsWith('vcpu') ? 'vCPU' : 'I/O thread' }) } : {};
  return { argv: command(value), back: former === undefined ? undefined : command(former), ...besides };
}

/** The tools name a quota in one way, whichever version the hierarchy is of. */
function bandwidthText({ bandwidth }: Cgroup, file: string): string | undefined {
  if (!bandwidth) return undefined;
  const { quota, period } = bandwidth;
  return file === 'cpu.max' ? `${quota} ${period}` : file === 'cpu.cfs_quota_us' ? String(quota === 'max' ? -1 : quota) : file === 'cpu.cfs_period_us' ? String(period) : undefined;
}

/**
 * systemd.resource-control(5)
 *
 * @param other what the file reads on the other side of the change: a period is named where either of both has one of its own
 */
function unitProperties(file: string, text: string, other: string | undefined): readonly string[] | undefined {
  if (file === 'cpuset.cpus') return [`AllowedCPUs=${text}`];
  if (file === 'cpu.weight' && /^\d+$/.test(text)) return [`CPUWeight=${text}`];
  if (file === 'cpu.shares' && /^\d+$/.test(text)) return [`CPUShares=${text}`];
  if (file === 'pids.max' && /^(max|\d+)$/.test(text)) return [`TasksMax=${text === 'max' ? 'infinity' : text}`];
  const quota = file === 'cpu.max' ? /^(?:max|(\d+)) (\d+)$/.exec(text) : null;
  if (!quota) return undefined;
  const period = Number(quota[2]);
  const isUsual = period === USUAL_PERIOD && (other === undefined || Number(other.split(' ')[1] ?? USUAL_PERIOD) === USUAL_PERIOD);
  return [quota[1] === undefined ? 'CPUQuota=' : `CPUQuota=${Math.round((Number(quota[1]) / period) * 10000) / 100}%`, ...(isUsual ? [] : [`CPUQuotaPeriodSec=${period === USUAL_PERIOD ? '' : `${period}us`}`])];
}

/** Microseconds, where a unit names none. */
const USUAL_PERIOD = 100_000;

/** virsh(1), schedinfo: one value for all vCPUs of a domain, one for its emulator, one for all I/O threads; shares are those of the machine, not of `libvirt/` in its scope. */
function schedinfoName(path: string, file: string): string | undefined {
  if (file === 'cpu.shares' && /\.(libvirt-qemu|scope)$/.test(path)) return 'cpu_shares';
  const group = /\/(vcpu|emulator|iothread)\d*$/.exec(path)?.[1];
  return group === undefined ? undefined : file === 'cpu.cfs_quota_us' ? `${group}_quota` : file === 'cpu.cfs_period_us' ? `${group}_period` : undefined;
}
