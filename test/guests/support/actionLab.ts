import assert from 'node:assert/strict';
import type { Hierarchy, HostModel, Machine, Thread } from '../../../src/core/model/hostModel';
import { machineSubtree } from '../../../src/core/model/subtree';
import { type CpuSet, parseCpuList } from '../../../src/core/parse/cpuList';
import type { Change } from '../../../src/core/plan/plan';
import { DOMAIN } from './lab';
import type { State } from './state';

/** The domain `serial` in a model, and what was read of it without: what cases are made of. */
export class ActionLab {
  readonly machine: Machine;

  constructor(
    readonly model: HostModel,
    readonly state: State,
  ) {
    this.machine = model.machines.find(({ name }) => name === DOMAIN)!;
  }

  /** `emulator`, `vCPU 0`, `iothread1`. */
  thread(name: string): Thread {
    const [, kind, id] = /^(?:(vCPU) )?(.*)$/.exec(name)!;
    const found = this.machine.threads.find(({ role, tid }) => (name === 'emulator' ? tid === this.machine.pid : kind === undefined ? role.kind === 'iothread' && role.id === id : role.kind === 'vcpu' && role.id === id));
    assert.ok(found, name);
    return found;
  }

  get isV2(): boolean {
    return this.model.mode === 'unified';
  }

  /** The key of the hierarchy that has a controller. */
  key(controller: string): string {
    return this.model.hierarchies.find(({ controllers }) => controllers.includes(controller))!.key;
  }

  /** Those in which libvirt has groups of threads. */
  get grouped(): readonly string[] {
    return this.isV2 ? ['0::'] : [this.key('cpu'), this.key('cpuset')];
  }

  /** libvirt's own directory of the domain, or one below it. */
  path(below = ''): string {
    return `${this.scope}/libvirt${below === '' ? '' : `/${below}`}`;
  }

  get scope(): string {
    return machineSubtree(this.model, this.machine, this.key('cpu'))!;
  }

  hierarchy(key: string): Hierarchy {
    return this.model.hierarchies.find(one => one.key === key)!;
  }

  moves(thread: string, to: string): Change[] {
    return this.grouped.map(hierarchy => ({ kind: 'move', thread: this.thread(thread), hierarchy, to: this.path(to) }));
  }

  makes(name: string): Change[] {
    return this.grouped.map(hierarchy => ({ kind: 'make', hierarchy, path: this.path(name) }));
  }

  pin(thread: string, cpus: string): Change {
    return { kind: 'pin', thread: this.thread(thread), cpus: cpus === 'all' ? 'all' : this.cpus(cpus) };
  }

  schedule(thread: string, policy: Extract<Change, { kind: 'schedule' }>['policy'], priority: number, nice: number): Change {
    return { kind: 'schedule', thread: this.thread(thread), policy, priority, nice };
  }

  quota(path: string, quota: number | 'max', period: number): Change {
    return { kind: 'quota', hierarchy: this.key('cpu'), path, to: { quota, period } };
  }

  /** With what a person who edits the file has seen in it. */
  set(path: string, file: string, value: string): Change {
    const hierarchy = this.key(/^cgroup\./.test(file) ? 'cpu' : file.slice(0, file.indexOf('.')));
    const shown = this.state[`${hierarchy} ${path.replace(this.path(), 'S').replace(this.scope, 'scope')}/${file}`];
    return { kind: 'set', hierarchy, path, file, value, ...(shown === undefined ? {} : { before: shown }) };
  }

  /** As a name of a state: of the hierarchy that has the controller. */
  file(path: string, file: string): string {
    return `${this.key(/^cgroup\./.test(file) ? 'cpu' : file.slice(0, file.indexOf('.')))} ${path}/${file}`;
  }

  private cpus(list: string): CpuSet {
    return parseCpuList(list)!;
  }
}
