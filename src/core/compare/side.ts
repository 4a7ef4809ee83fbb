import { textOf } from '../cgroup/files';
import { layoutText } from '../layout/layout';
import { layoutOf } from '../layout/layouts';
import { V2_KEY } from '../model/hierarchies';
import type { Cgroup, HostModel, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { Steps } from '../model/pace';
import { roleText } from '../model/roles';
import { isWithin, machineDirectories, machineSubtree } from '../model/subtree';
import { UNKNOWN } from '../placement/placement';
import { rowsAbove, valuesOf } from '../placement/toPlacement';
import type { Evidence } from '../rules/rule';

/** A machine of a host, of two that are compared. */
export interface Compared {
  readonly model: HostModel;
  readonly machine: Machine;
}

/** What is said of a machine, without what differs between any two: no PID, TID or UUID, no name of a scope, no host. */
export interface Section {
  /** The same on both sides for what is the same. */
  readonly key: string;
  /** `vCPU 2`, `S/vcpu2 (cpuset)`; hostile. */
  readonly title: string;
  /** One that comes and goes by itself: where the other side has none, nothing moved. */
  readonly isPassing: boolean;
  readonly facts: readonly Fact[];
}

export interface Fact {
  /** A hierarchy's key, `cpus`, `quota`; hostile. */
  readonly name: string;
  /** Hostile. */
  readonly value: string;
  /** What it was read from. */
  readonly evidence: Evidence | undefined;
}

/** How the two are told to be looked at: the same way on both sides, or the texts would differ where nothing moved. */
export interface Way {
  /** Hierarchies in which all threads of each side are in one place. */
  readonly together: ReadonlySet<string>;
  /** Whether both are one process: then each thread is told by itself. */
  readonly isOneProcess: boolean;
}

export function sectionsOf(of: Compared, way: Way): Steps<Section[]> {
  return new Side(of, way).sections();
}

/** Whether all threads of its process are in one place there. */
export function isTogether(machine: Machine, key: string): boolean {
  const [first, ...others] = ownThreads(machine).map(({ membership }) => membership.places.get(key)?.path);
  return others.every(path => path === first);
}

/** Of which a machine has one each, or none; of the others it may have any number. */
const SINGLE: ReadonlySet<string> = new Set(['emulator', 'vcpu', 'iothread']);
/** QEMU's pool starts and ends its workers as it needs them; so does the kernel. */
const PASSING: ReadonlySet<string> = new Set(['worker', 'migration', 'io_uring']);

class Side {
  private readonly model: HostModel;
  private readonly machine: Machine;
  private readonly tops = new Map<string, string>();
  private readonly hasLibvirt: boolean;

  constructor(
    { model, machine }: Compared,
    private readonly way: Way,
  ) {
    this.model = model;
    this.machine = machine;
    const made = machineDirectories(model, machine)?.tops; // where libvirt made one, no other is `S` or above it
    for (const { key } of model.hierarchies) {
      const top = made ? made.get(key) : machineSubtree(model, machine, key);
      if (top !== undefined) this.tops.set(key, top);
    }
    this.hasLibvirt = model.hierarchies.some(({ key, cgroups }) => cgroups.has(`${this.tops.get(key)}/libvirt`));
  }

  *sections(): Steps<Section[]> {
    const whole = this.whole();
    yield;
    const threads = yield* this.threads();
    return [...whole, ...threads, ...(yield* this.groups())];
  }

  private whole(): Section[] {
    const { model, machine, way } = this;
    const layout = layoutOf(model, machine);
    const first = ownThreads(machine)[0];
    const told: Fact[] = [
      { name: 'emulator', value: machine.emulator, evidence: undefined },
      { name: 'mode', value: model.mode, evidence: undefined },
      ...(layout ? [{ name: 'layout', value: layoutText(layout), evidence: undefined }] : []),
      { name: 'S', value: this.ownDirectory(), evidence: undefined },
    ];
    const places = model.hierarchies.filter(({ key }) => way.together.has(key)).flatMap(({ key }) => (first ? this.place(first, key) : []));
    return [
      { key: 'machine', title: 'machine', isPassing: false, facts: told },
      ...(places.length === 0 ? [] : [{ key: 'all', title: 'all threads', isPassing: false, facts: places }]),
    ];
  }

  private *threads(): Steps<Section[]> {
    const sections = new Map<string, { title: string; isPassing: boolean; threads: Thread[] }>();
    const { isOneProcess } = this.way;
    for (const thread of this.machine.threads) {
      const { kind } = thread.role;
      const name = roleText(thread.role);
      const isSingle = SINGLE.has(kind) && thread.pid === this.machine.pid;
      const comm = thread.comm.replaceAll(String(this.machine.pid), '…'); // vhost-519, kvm-pit/519
      const title = isSingle || (name === comm && !isOneProcess) ? name : `${name} ${isOneProcess ? thread.tid : comm}`;
      const key = isSingle ? `thread ${name}` : isOneProcess ? `thread ${name} ${thread.key}` : `thread ${name} ${comm}`;
      const section = sections.get(key) ?? { title, isPassing: PASSING.has(kind), threads: [] };
      section.threads.push(thread);
      sections.set(key, section);
      yield;
    }
    const found: Section[] = [];
    for (const [key, { title, isPassing, threads }] of sections) found.push({ key, title, isPassing, facts: yield* this.factsOf(threads, isPassing) });
    return found;
  }

  /** Of threads that nothing tells apart: all that is said of any of them. */
  private *factsOf(threads: readonly Thread[], isPassing: boolean): Steps<Fact[]> {
    const facts = new Map<string, Map<string, Fact>>();
    for (const thread of threads) {
      yield;
      for (const fact of this.factsOfThread(thread)) {
        const known = facts.get(fact.name);
        if (!known) facts.set(fact.name, new Map([[fact.value, fact]]));
        else if (!known.has(fact.value)) known.set(fact.value, fact);
      }
    }
    const count: Fact[] = threads.length > 1 && !isPassing ? [{ name: 'threads', value: String(threads.length), evidence: undefined }] : [];
    return [...count, ...[...facts].map(([name, all]): Fact => ({ name, value: [...all.keys()].sort().join(' and '), evidence: [...all.values()][0]!.evidence }))];
  }

  private factsOfThread(thread: Thread): Fact[] {
    const { pid, tid, policy, rtPriority, nice, cpusAllowed } = thread;
    const task = `/proc/${pid}/task/${tid}`;
    const cpus = cpusAllowed?.toString() ?? UNKNOWN;
    const isOwn = pid === this.machine.pid;
    const hierarchies = this.model.hierarchies.filter(({ key }) => !isOwn || !this.way.together.has(key));
    return [
      { name: 'cpus', value: cpus, evidence: { file: `${task}/status`, value: `Cpus_allowed_list: ${cpus}` } },
      { name: 'policy', value: `${policy} ${rtPriority}${nice === 0 ? '' : ` nice ${nice}`}`, evidence: undefined },
      ...hierarchies.flatMap(({ key }) => this.place(thread, key)),
    ];
  }

  private place({ pid, tid, membership }: Thread, key: string): Fact[] {
    const place = membership.places.get(key);
    if (!place) return [];
    const value = `${this.relative(key, place.path)}${place.deleted ? ' (deleted)' : ''}`;
    return [{ name: nameOf(key), value, evidence: { file: `/proc/${pid}/task/${tid}/cgroup`, value: `${key === V2_KEY ? key : `${key}:`}${place.path}` } }];
  }

  /** Its own cgroups with what is set in them, and what is set above. */
  private *groups(): Steps<Section[]> {
    const { model, machine } = this;
    const nodes = model.topology.nodes.size;
    const above = rowsAbove(machine, nodes);
    yield;
    const found: Section[] = [];
    for (const { key, cgroups } of model.hierarchies) {
      const top = this.tops.get(key);
      const own = [...cgroups.values()].filter(({ path }) => top !== undefined && isWithin(path, top)); // a host may have thousands: nothing else is done with each
      for (const { hierarchies, path } of above) {
        const cgroup = hierarchies.includes(key) && !(top !== undefined && isWithin(path, top)) ? cgroups.get(path) : undefined;
        if (cgroup) own.push(cgroup);
      }
      const sections: Section[] = [];
      for (const cgroup of own) {
        yield;
        const facts = valuesOf(cgroup, nodes).map(({ name, value }): Fact => ({ name, value: value === '' ? 'yes' : value, evidence: evidenceOf(cgroup, name) }));
        const title = `${this.relative(key, cgroup.path)} (${nameOf(key)})`;
        const isGroup = title.startsWith('S/') && !title.startsWith('S/..');
        if (facts.length > 0 || isGroup) sections.push({ key: `group ${title}`, title, isPassing: false, facts });
      }
      for (const section of sections.sort((a, b) => (a.title < b.title ? -1 : 1))) found.push(section);
    }
    return found;
  }

  /** As in a placement document: `S` is the directory of its groups in every hierarchy, whatever its scope is called. */
  private relative(key: string, path: string): string {
    const top = this.tops.get(key) ?? [...this.tops.values()][0];
    if (top === undefined || !isWithin(path, top)) return masked(path);
    const own = this.hasLibvirt ? `${top}/libvirt` : top;
    if (path === top) return own === top ? 'S' : 'S/..';
    return isWithin(path, own) ? `S${path.slice(own.length)}` : `S/..${path.slice(top.length)}`;
  }

  /** Where its own directory is, without what it is called. */
  private ownDirectory(): string {
    const top = [...this.tops.values()][0];
    return top === undefined ? UNKNOWN : `${masked(top.slice(0, top.lastIndexOf('/')))}/…${this.hasLibvirt ? '/libvirt' : ''}`;
  }
}

/** `v2`: in words. */
function nameOf(key: string): string {
  return key === V2_KEY ? 'v2' : key;
}

/** A pod's directory is called after its UUID. */
function masked(path: string): string {
  return path.replace(/[0-9a-f]{8}([-_])[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}/g, '…');
}

/** The files that values of a document are read from, in v2 and in v1. */
const FILES: Readonly<Record<string, readonly [v2: string, v1: string]>> = {
  type: ['cgroup.type', 'cgroup.type'],
  cpus: ['cpuset.cpus', 'cpuset.cpus'],
  effective: ['cpuset.cpus.effective', 'cpuset.effective_cpus'],
  mems: ['cpuset.mems', 'cpuset.mems'],
  partition: ['cpuset.cpus.partition', ''],
  quota: ['cpu.max', 'cpu.cfs_quota_us'],
  weight: ['cpu.weight', ''],
  shares: ['', 'cpu.shares'],
  idle: ['cpu.idle', 'cpu.idle'],
  pids: ['pids.max', 'pids.max'],
  frozen: ['cgroup.freeze', 'freezer.state'],
};

function evidenceOf(cgroup: Cgroup, name: string): Evidence | undefined {
  const file = FILES[name]?.[cgroup.hierarchy === V2_KEY ? 0 : 1];
  const value = file && textOf(cgroup, file);
  return file && value !== undefined && cgroup.directory !== undefined ? { file: `${cgroup.directory}/${file}`, value } : undefined;
}
