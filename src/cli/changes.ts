import type { HostModel, Machine, Thread } from '../core/model/hostModel';
import { machineSubtree } from '../core/model/subtree';
import { parseCpuList } from '../core/parse/cpuList';
import type { Change } from '../core/plan/plan';
import { restoreLayout } from '../core/rules/restoreLayout';

/** What is wanted, as it stands in the arguments. */
export interface ChangeArguments {
  readonly 'restore-layout'?: boolean | undefined;
  readonly move?: string[] | undefined;
  readonly pin?: string[] | undefined;
  readonly schedule?: string[] | undefined;
  readonly set?: string[] | undefined;
  readonly make?: string[] | undefined;
  readonly remove?: string[] | undefined;
  /** Keys; where none is given, all in which the target is there. */
  readonly hierarchy?: string[] | undefined;
}

/** What cannot be understood, as a sentence. */
export class ArgumentError extends Error {}

export function isNamed({ name, uuid, pid }: Machine, text: string): boolean {
  return name === text || uuid === text || String(pid) === text;
}

/**
 * A machine by its name, its UUID or its PID. One may be called like another's PID: then the PID counts, so that each
 * can be named whatever the others are called.
 *
 * @throws ArgumentError
 */
export function machineNamed(model: HostModel, name: string): Machine {
  const named = model.machines.filter(machine => isNamed(machine, name));
  const byPid = named.find(({ pid }) => String(pid) === name);
  const found = byPid ? [byPid] : named;
  if (found.length === 1) return found[0]!;
  const names = model.machines.map(machine => `${machine.name} (PID ${machine.pid})`).join(', ');
  throw new ArgumentError(found.length === 0 ? `no machine "${name}" here; there is: ${names === '' ? 'none' : names}` : `"${name}" is ${found.length} machines; name one by its PID: ${found.map(({ pid }) => pid).join(', ')}`);
}

/** @throws ArgumentError */
export function changesOfArguments(model: HostModel, machine: Machine, wanted: ChangeArguments): Change[] {
  if (!wanted['restore-layout'] && [wanted.make, wanted.set, wanted.move, wanted.pin, wanted.schedule, wanted.remove].every(of => of === undefined)) throw new ArgumentError('what is to be changed? Name at least one of --restore-layout, --move, --pin, --schedule, --set, --make, --remove');
  const reader = new Reader(model, machine, wanted.hierarchy);
  return [
    ...(wanted['restore-layout'] ? restoreLayout(model, machine) : []),
    ...(wanted.make ?? []).flatMap(text => reader.make(text)),
    ...(wanted.set ?? []).flatMap(text => reader.set(text)),
    ...(wanted.move ?? []).flatMap(text => reader.move(text)),
    ...(wanted.pin ?? []).flatMap(text => reader.pin(text)),
    ...(wanted.schedule ?? []).flatMap(text => reader.schedule(text)),
    ...(wanted.remove ?? []).flatMap(text => reader.cgroups(text).map((of): Change => ({ kind: 'remove', ...of }))),
  ];
}

interface Target {
  readonly hierarchy: string;
  readonly path: string;
}

class Reader {
  /** What is made by the same arguments can be moved to. */
  private readonly made: Target[] = [];

  constructor(
    private readonly model: HostModel,
    private readonly machine: Machine,
    private readonly keys: readonly string[] | undefined,
  ) {
    for (const key of keys ?? []) if (!model.hierarchies.some(hierarchy => hierarchy.key === key)) throw new ArgumentError(`no hierarchy "${key}" here; there is: ${model.hierarchies.map(h => h.key).join(' ')}`);
  }

  /** `vcpu2=S/vcpu2` */
  move(text: string): Change[] {
    const [who, to] = this.halves(text, 'THREAD=CGROUP');
    const targets = this.cgroups(to);
    return this.threads(who).flatMap(thread => targets.map(({ hierarchy, path }): Change => ({ kind: 'move', thread, hierarchy, to: path })));
  }

  /** `vcpu2=4,20`, `vcpus=4-7` one each, `emulator=all` */
  pin(text: string): Change[] {
    const [who, list] = this.halves(text, 'THREAD=CPUS');
    const each = list.startsWith('each:');
    const cpus = list === 'all' ? 'all' : parseCpuList(each ? list.slice(5) : list);
    if (cpus === undefined || (cpus !== 'all' && cpus.isEmpty)) throw new ArgumentError(`"${list}" is no list of CPUs, as 0-3,8 or each:4-7 or all`);
    const threads = this.threads(who);
    if (!each || cpus === 'all') return threads.map((thread): Change => ({ kind: 'pin', thread, cpus }));
    const single = [...cpus];
    if (single.length < threads.length) throw new ArgumentError(`${threads.length} threads, one CPU each, need more than the ${single.length} of ${cpus.toString()}`);
    return threads.map((thread, i): Change => ({ kind: 'pin', thread, cpus: parseCpuList(String(single[i]))! }));
  }

  /** `vcpus=fifo:10`, `worker=batch:nice:5` */
  schedule(text: string): Change[] {
    const [who, how] = this.halves(text, 'THREAD=POLICY');
    const match = /^(other|batch|idle|fifo|rr)(?::(\d{1,2}))?(?::nice:(-?\d{1,2}))?$/.exec(how);
    if (!match) throw new ArgumentError(`"${how}" is no policy, as other, batch:nice:5, idle, fifo:10, rr:10`);
    return this.threads(who).map((thread): Change => ({ kind: 'schedule', thread, policy: match[1] as 'other', priority: Number(match[2] ?? 0), nice: match[3] === undefined ? thread.nice : Number(match[3]) }));
  }

  /** `S/vcpu2/cpu.max=50000 100000` */
  set(text: string): Change[] {
    const [where, value] = this.halves(text, 'CGROUP/FILE=VALUE');
    const slash = where.lastIndexOf('/');
    const file = where.slice(slash + 1);
    const controller = file.slice(0, file.indexOf('.'));
    const of = this.cgroups(where.slice(0, slash) || '/').filter(({ hierarchy }) => this.keys !== undefined || this.has(hierarchy, controller));
    if (of.length === 0) throw new ArgumentError(`no hierarchy here has ${file}`);
    return of.map((target): Change => ({ kind: 'set', ...target, file, value }));
  }

  private has(key: string, controller: string): boolean {
    const hierarchy = this.model.hierarchies.find(h => h.key === key)!;
    return hierarchy.controllers.includes(controller) || (controller === 'cgroup' && hierarchy.version === 2);
  }

  /** Beside the machine's other groups of threads: where it has none, which hierarchy is meant has to be said. */
  make(text: string): Change[] {
    const all = this.named(text);
    const groups = ({ hierarchy, path }: Target): boolean => [...this.model.hierarchies.find(({ key }) => key === hierarchy)!.cgroups.keys()].some(other => path.startsWith('/') && other.startsWith(`${path.slice(0, path.lastIndexOf('/'))}/`));
    const found = this.keys ? all : all.filter(groups);
    if (found.length === 0) throw new ArgumentError(`in which hierarchy should "${text}" be made? ${this.machine.name} has no groups beside it; name one with --hierarchy: ${all.map(({ hierarchy }) => hierarchy).join(' ')}`);
    this.made.push(...found);
    return found.map((of): Change => ({ kind: 'make', ...of }));
  }

  /** Where that cgroup is, or will be. */
  cgroups(text: string): readonly Target[] {
    const found = this.named(text).filter(({ hierarchy, path }) => this.model.hierarchies.find(({ key }) => key === hierarchy)!.cgroups.has(path) || this.made.some(one => one.hierarchy === hierarchy && one.path === path));
    if (found.length > 0) return found;
    throw new ArgumentError(`no cgroup "${text}" in ${this.keys?.join(' ') ?? 'any hierarchy'}; S stands for the directory of the machine's groups`);
  }

  /** `S/vcpu2`, `S/..`: from the machine's own directory, which has another name in each hierarchy; or a path as in /proc/PID/cgroup. */
  private named(text: string): readonly Target[] {
    const inside = /^S((?:\/\.\.)*)(\/.*)?$/s.exec(text);
    const found = this.model.hierarchies.flatMap(({ key, controllers, version, cgroups }): Target[] => {
      if (this.keys ? !this.keys.includes(key) : controllers.length === 0 && version === 1) return [];
      if (!inside) return [{ hierarchy: key, path: text }];
      const top = machineSubtree(this.model, this.machine, key);
      if (top === undefined) return [];
      // As in a placement document, where S is the same in all hierarchies: libvirt's own directory is not in each.
      const up = inside[1]!.length / 3;
      const nested = cgroups.has(`${top}/libvirt`) || (up > 0 && this.model.hierarchies.some(other => other.cgroups.has(`${top}/libvirt`)));
      const parts = (nested ? `${top}/libvirt` : top).split('/');
      return up >= parts.length ? [] : [{ hierarchy: key, path: `${parts.slice(0, parts.length - up).join('/')}${inside[2] ?? ''}` || '/' }];
    });
    if (found.length > 0) return found;
    throw new ArgumentError(`${this.machine.name} has no directory of its own in ${this.keys?.join(' ') ?? 'any hierarchy'}; name a cgroup by its path`);
  }

  private threads(text: string): readonly Thread[] {
    const all = this.machine.threads;
    const found = all.filter(thread => this.isNamed(thread, text));
    if (found.length > 0) return found;
    throw new ArgumentError(`${this.machine.name} has no thread "${text}"; name a TID, emulator, vcpu2, vcpus, iothread:ID, iothreads or a role such as worker`);
  }

  private isNamed({ tid, role }: Thread, text: string): boolean {
    const { kind, id } = role;
    return String(tid) === text || kind === text || `${kind}s` === text || (id !== undefined && (`${kind}${id}` === text || `${kind}:${id}` === text));
  }

  private halves(text: string, form: string): [string, string] {
    const at = text.indexOf('=');
    if (at < 1) throw new ArgumentError(`"${text}" should be ${form}`);
    return [text.slice(0, at), text.slice(at + 1)];
  }
}
