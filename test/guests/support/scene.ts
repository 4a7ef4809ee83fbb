import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { layoutOf } from '../../../src/core/layout/layouts';
import type { Layout } from '../../../src/core/layout/layout';
import type { Cgroup, HostModel, Machine, Thread } from '../../../src/core/model/hostModel';
import { ownThreads } from '../../../src/core/model/machines';
import { roleText } from '../../../src/core/model/roles';
import { print } from '../../../src/core/placement/print';
import { toPlacement } from '../../../src/core/placement/toPlacement';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import { findingsOf } from '../../../src/core/rules/allRules';
import type { Guest } from './guest';
import { DOMAIN } from './lab';

/** Guests are emulated, and the machine that emulates them has other work. */
const SLOW_MS = 900_000;

/**
 * Shell words for what is done to a domain by hand. `tid COMM`, and `group KEY NAME`: the directory of `vcpu2` in a
 * hierarchy, told by where the main thread is; the main thread stays in `emulator` in every scenario.
 */
const WORDS = (pidFile: string): string => `
  pid=$(cat ${pidFile})
  tid() { for task in /proc/$pid/task/*; do if [ "$(cat $task/comm)" = "$1" ]; then echo "\${task##*/}"; fi; done; }
  group() {
    main=$(case $1 in 0::) sed -n 's|^0::|/sys/fs/cgroup|p' /proc/$pid/cgroup ;; *) sed -n "s|^[0-9]*:$1:|/sys/fs/cgroup/$1|p" /proc/$pid/cgroup ;; esac)
    echo "\${main%/*}/$2"
  }
`;

/** What is to be seen of a domain now; `/proc` said the same of each of its threads. */
export interface Look {
  readonly raw: RawSnapshot;
  readonly model: HostModel;
  readonly machine: Machine;
  readonly layout: Layout;
  /** Its placement document. */
  readonly text: string;
  /** `vcpu-in-emulator vCPU 2 cpuset`, of this machine. */
  readonly findings: readonly string[];
  /** The rules that say anything of it, hints left out. */
  readonly rules: readonly string[];
}

/** A guest in which something is done that is undone at the end. */
export class Scene {
  private readonly backs: string[] = [];

  constructor(
    readonly guest: Guest,
    private readonly domain = DOMAIN,
    private readonly pidFile = `/run/libvirt/qemu/${domain}.pid`,
  ) {}

  /** Does something, with the words above, and keeps the way back. Where there is more than one, the last is gone first. */
  make(script: string, back?: string): Promise<string> {
    if (back !== undefined) this.backs.unshift(back);
    return this.run(script);
  }

  run(script: string): Promise<string> {
    return this.guest.run(`${WORDS(this.pidFile)}\n${script}`);
  }

  /** The same for another machine: what is made with the other is undone with the other. */
  of(name: string, pidFile?: string): Scene {
    return new Scene(this.guest, name, pidFile);
  }

  async undo(): Promise<void> {
    for (const back of this.backs.splice(0)) await this.run(back);
  }

  async look(): Promise<Look> {
    for (let tries = 0; ; tries++) {
      const { raw, model, problems } = await this.guest.look();
      assert.deepEqual(problems, []);
      assert.ok(raw.collection.complete);
      const machine = machineOf(model, this.domain);
      const [ours, theirs] = [modelSays(machine), await this.procSays()];
      if (tries < 3 && ours.join() !== theirs.join()) continue; // QEMU begins and ends workers when it likes
      assert.deepEqual(ours, theirs, 'the model and /proc');
      const all = findingsOf(model).filter(finding => finding.machine === machine);
      const findings = all.flatMap(({ rule, at, severity }) => (at.kind === 'place' && severity !== 'hint' ? [`${rule} ${roleText(at.thread.role)} ${at.hierarchy}`] : []));
      const rules = [...new Set(all.filter(({ severity }) => severity !== 'hint').map(({ rule }) => rule))].filter(rule => rule !== 'pressure-high').sort(); // that comes and goes with the load
      return { raw, model, machine, layout: layoutOf(model, machine), text: print(toPlacement(model, machine)), findings, rules };
    }
  }

  /** Of each thread its TID, its name, its CPUs and its line for each hierarchy. Two processes read it: each costs an emulated guest a while. */
  private async procSays(): Promise<string[]> {
    const said = await this.run('cd /proc/$pid/task && grep . */comm */cgroup && grep ^Cpus_allowed_list */status');
    const tasks = new Map<string, { comm: string; cpus: string; places: string[] }>();
    for (const line of said.trim().split('\n')) {
      const [, tid, file, value] = /^(\d+)\/(comm|cgroup|status):(.*)$/.exec(line)!;
      const task = tasks.get(tid!) ?? { comm: '', cpus: '', places: [] };
      tasks.set(tid!, task);
      if (file === 'comm') task.comm = value!;
      else if (file === 'status') task.cpus = value!.split('\t')[1]!;
      else task.places.push(value!.replace(/^[1-9]\d*:/, ''));
    }
    return [...tasks].map(([tid, { comm, cpus, places }]) => [tid, comm, cpus, ...places.sort()].join('|')).sort();
  }
}

function modelSays(machine: Machine): string[] {
  return ownThreads(machine).map(({ tid, comm, cpusAllowed, membership }) => {
    const places = [...membership.places].map(([key, { path }]) => (key === '0::' ? `0::${path}` : `${key}:${path}`));
    return [tid, comm, cpusAllowed?.toString(), ...places.sort()].join('|');
  }).sort();
}

export function machineOf(model: HostModel, name: string): Machine {
  const found = model.machines.find(machine => machine.name === name);
  assert.ok(found, `no machine ${name}, but ${model.machines.map(machine => machine.name).join(', ')}`);
  return found;
}

export function threadOf(machine: Machine, role: string): Thread {
  const found = machine.threads.find(thread => roleText(thread.role) === role);
  assert.ok(found, `no ${role} in ${machine.name}`);
  return found;
}

/** The cgroup of one thread; its last component, for what is asserted. */
export function cgroupOf(thread: Thread, key: string): Cgroup {
  const cgroup = thread.membership.places.get(key)?.cgroup;
  assert.ok(cgroup, `nothing is known of where ${thread.tid} is in ${key}`);
  return cgroup;
}

export function groupOf(thread: Thread, key: string): string {
  const path = thread.membership.places.get(key)?.path ?? '';
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A document without what differs from one start of the domain to the next: whether the thread of RCU has its name is chance, too. */
export function plain(text: string): string {
  return text.replace(/x2d\d+\\x2d/g, 'x2dN\\x2d').replace(/(?<=[ /])\d{3,}(?=\s)/g, 'TID').replace(/ +/g, ' ').replace(/^call_rcu TID call_rcu /gm, 'other TID qemu-system-x86 ');
}

/**
 * A test that does something to the domain, and then undoes it: what is seen at its end is what `healthy` was, or the
 * domain is started anew, so that one failure is one failure.
 */
export function scenario(title: string, guest: () => Guest, healthy: () => string, tell: (scene: Scene) => Promise<void>): void {
  it(title, async () => {
    const scene = new Scene(guest());
    try {
      try {
        await tell(scene);
      } finally {
        await scene.undo();
      }
      assert.equal(plain((await scene.look()).text), healthy(), 'all is as it was');
    } catch (error) {
      await anew(guest());
      throw error;
    }
  }).timeout(SLOW_MS);
}

async function anew(guest: Guest): Promise<void> {
  await guest.run(`systemctl start libvirtd; virsh -q destroy ${DOMAIN}; virsh -q start ${DOMAIN}`);
}

/** @throws when it does not come true within minutes: guests are slow */
export async function until(is: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 120_000; !(await is()); await sleep(300)) assert.ok(Date.now() < end, `${what}: it does not come true`);
}
