import type { HostModel, Machine, Thread } from '../core/model/hostModel';
import { machineSubtree } from '../core/model/subtree';
import { parseCpuList } from '../core/parse/cpuList';
import type { Change } from '../core/plan/plan';

/** What is wanted, as it stands in the arguments. */
export interface ChangeArguments {
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

/** A machine by its name, its UUID or its PID. @throws ArgumentError */
export function machineNamed(model: HostModel, name: string): Machine {
  const found = model.machines.filter(machine => machine.name === name || machine.uuid === name || String(machine.pid) === name);
  if (found.length === 1) return found[0]!;
  const names = model.machines.map(machine => `${machine.name} (PID ${machine.pid})`).join(', ');
  throw new ArgumentError(found.length === 0 ? `no machine "${name}" here; there is: ${names === '' ? 'none' : names}` : `"${name}" is ${found.length} machines; name one by its PID: ${found.map(({ pid }) => pid).join(', ')}`);
}

/** @throws ArgumentError */
export function changesOfArguments(model: HostModel, machine: Machine, wanted: ChangeArguments): Change[] {
  const reader = new Reader(model, machine, wanted.hierarchy);
  return [
    ...(wanted.make ?? []).flatMap(text => reader.make(text)),
    ...(wanted.set ?? []).flatMap(text => reader.set(text)),
    ...(wanted.move ?? []).flatMap(text => reader.move(text)),
    ...(wanted.pin ?? []).flatMap(text => reader.pin(text)),
    ...(wanted.schedule ?? []).flatMap(text => reader.schedule(text)),
    ...(wanted.remove ?? []).flatMap(text => reader.cgroups(text, true).map((of): Change => ({ kind: 'remove', ...of }))),
  ];
}

class Reader {
  private readonly made = new Set<string>();

  constructor(
    private readonly model: HostModel,
    private readonly machine: Machine,
    private readonly keys: readonly string[] | undefined,
  ) {
    for (const key of keys ?? []) if (!model.hierarchies.some(hierarchy => hierarchy.key === key)) throw new ArgumentError(`no hierarchy "${key}" here; there is: ${model.hierarchies.map(h => h.key).join(' ')}`);
  }

  /** What is made can be moved to, and written to. */
  make(text: string): Change[] {
    const all = this.cgroups(text, false);
    // Where its threads are in groups of their own: elsewhere they are together, and often in what is not theirs alone.
    const own = this.machine.threads.filter(({ pid }) => pid === this.machine.pid);
    const apart = all.filter(({ hierarchy }) => new Set(own.map(({ membership }) => membership.places.get(hierarchy)?.path)).size > 1);
    const made = this.keys || all.length === 1 ? all : apart;
    if (made.length === 0) throw new ArgumentError(`"${text}" could be made in ${all.map(({ hierarchy }) => hierarchy).join(' ')}; name one with --hierarchy`);
    for (const { hierarchy, path } of made) this.made.add(`${hierarchy}\n${path}`);
    return made.map((of): Change => ({ kind: 'make', ...of }));
  }

  /** `vcpu2=S/vcpu2` */
  move(text: string): Change[] {
    const [who, to] = this.halves(text, 'THREAD=CGROUP');
    const targets = this.cgroups(to, true, this.keys ? undefined : who);
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
    const of = this.cgroups(where.slice(0, slash) || '/', true).filter(({ hierarchy }) => this.keys !== undefined || this.has(hierarchy, controller));
    if (of.length === 0) throw new ArgumentError(`no hierarchy here has ${file}`);
    return of.map((target): Change => ({ kind: 'set', ...target, file, value }));
  }

  private has(key: string, controller: string): boolean {
    const hierarchy = this.model.hierarchies.find(h => h.key === key)!;
    return hierarchy.controllers.includes(controller) || (controller === 'cgroup' && hierarchy.version === 2);
  }

  /**
   * `S/vcpu2`: below the machine's own directory, which has another name in each hierarchy; or a path as in /proc/PID/cgroup.
   *
   * @param there only where that cgroup exists
   */
  cgroups(text: string, there: boolean, who?: string): { readonly hierarchy: string; readonly path: string }[] {
    const found = this.model.hierarchies.flatMap(({ key, controllers, version, cgroups }) => {
      if (this.keys ? !this.keys.includes(key) : controllers.length === 0 && version === 1) return [];
      const top = machineSubtree(this.model, this.machine, key);
      const inside = /^S(\/.*)?$/s.exec(text);
      if (inside && top === undefined) return [];
      const base = cgroups.has(`${top}/libvirt`) ? `${top}/libvirt` : top!; // as in a placement document
      const path = inside ? base + (inside[1] ?? '') : text;
      return there && !cgroups.has(path) && !this.made.has(`${key}\n${path}`) ? [] : [{ hierarchy: key, path }];
    });
    if (found.length > 0) return found;
    throw new ArgumentError(`no cgroup "${text}" in ${this.keys?.join(' ') ?? 'any hierarchy'}${who === undefined ? '' : ` for ${who}`}; S stands for the machine's own directory`);
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
