import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import type { Effect } from '../../src/core/cgroup/outcome';
import type { HostModel, Thread } from '../../src/core/model/hostModel';
import { isWithin } from '../../src/core/model/subtree';
import { parseCpuList } from '../../src/core/parse/cpuList';
import { makePlan } from '../../src/core/plan/makePlan';
import type { Change, Plan } from '../../src/core/plan/plan';
import type { Applied } from '../../src/core/plan/applied';
import { undoPlan } from '../../src/core/plan/undo';
import { Random } from '../oracle/random';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp } from './support/cleanUp';
import { collectModel, machineOf } from './support/collect';
import { type PlacedQemu, placedQemu } from './support/placedQemu';
import { apply, inWords } from './support/plans';
import { placesOf, run, statusOf, tidsOf } from './support/readers';

/** Others by hand: `CGROUP_LENS_SEED=8 CGROUP_LENS_ROUNDS=200`. */
const SEED = Number(process.env['CGROUP_LENS_SEED'] ?? 7);
const ROUNDS = Number(process.env['CGROUP_LENS_ROUNDS'] ?? 25);
const HIERARCHIES = ['cpu', 'cpuset', '0::'] as const;
const FILES = ['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpuset.cpus', 'cpuset.mems', 'cgroup.type', 'cgroup.freeze'];

/** Whole plans of what people could ask for, against the kernel: each step as predicted, and back to the last byte. */
describe(`random plans, there and back (seed ${SEED})`, () => {
  let placed: PlacedQemu;
  const keys = new Map<string, string>();
  /** The machine's threads, kernel threads among them. */
  let watched: readonly { readonly pid: number; readonly tid: number }[] = [];
  before(async () => {
    placed = await placedQemu('there');
    run('chrt', '--other', '-p', '0', String(placed.vcpus['1'])); // real-time tasks may not go everywhere
    for (const name of HIERARCHIES) {
      keys.set(name, makeCgroup(name).key);
      const spare = makeCgroup(name, 'there', 'spare');
      if (name === '0::') spare.write('cgroup.type', 'threaded');
      if (name === 'cpuset') makeCgroup(name, 'there', 'void').write('cpuset.cpus', '\n');
    }
  });
  after(cleanUp);

  it('each step does what was predicted, and undo brings back what was', async function () {
    this.timeout(600_000);
    const random = new Random(SEED);
    const count = { plans: 0, steps: 0, refused: 0, exact: 0 };
    const bad: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { model } = await collectModel();
      const machine = machineOf(model, placed.qemu.pid);
      const changes = Array.from({ length: 1 + random.below(10) }, () => randomChange(random, model, machine.threads));
      const told = changes.map(inShort).join('; ');
      const problem = (text: string): void => void bad.push(`round ${round}: ${text}\n    of ${told}`);
      const planned = makePlan(model, machine, changes, { expert: true });
      if (!planned.plan) {
        count.refused++;
        continue;
      }
      const { plan } = planned;
      count.plans++;
      count.steps += plan.steps.length;
      watched = machine.threads.map(({ pid, tid }) => ({ pid, tid }));
      const before = stateOf();
      const applied = await apply(plan);
      for (const text of unlike(plan, applied, before)) problem(text);
      const later = (await collectModel()).model;
      const back = undoPlan(plan, applied, later);
      const isExact = applied.steps.every(({ state }, i) => state !== 'done' || plan.steps[i]!.undo.kind === 'exact');
      if (isExact) count.exact++;
      if (!back.plan) {
        const done = applied.steps.filter(({ state }) => state === 'done').length;
        if (isExact && done > 0) problem(`no way back: ${back.refusal.because.id} ${JSON.stringify(back.refusal.because.details)}`);
        await reset(before, problem, false);
        continue;
      }
      const mid = stateOf();
      const undone = await apply(back.plan);
      for (const text of unlike(back.plan, undone, mid)) problem(`undo: ${text}`);
      if (undone.steps.every(({ state }) => state === 'done')) await reset(before, problem, isExact);
      else await reset(before, problem, false);
    }
    assert.ok(count.exact > ROUNDS / 8, JSON.stringify(count));
    assert.deepEqual(bad, []);
  });

  function randomChange(random: Random, model: HostModel, threads: readonly Thread[]): Change {
    const thread = random.pick(threads);
    const hierarchy = keys.get(random.pick(HIERARCHIES))!;
    const top = placed.own.cpu.path;
    const known = [...model.hierarchies.find(({ key }) => key === hierarchy)!.cgroups.keys()].filter(path => isWithin(path, top)).sort();
    const fresh = `${random.pick(known)}/new${random.below(3)}`;
    const cpus = parseCpuList(random.pick(['0', '1', '0-1']))!;
    return random.choose<() => Change>([
      [8, () => ({ kind: 'move', thread, hierarchy, to: random.pick([...known, ...known, fresh]) })],
      [1, () => ({ kind: 'moveProcess', thread, hierarchy, to: random.pick(known) })],
      [5, () => ({ kind: 'pin', thread, cpus: random.chance(0.3) ? 'all' : cpus })],
      [3, () => ({ kind: 'schedule', thread, ...random.pick([{ policy: 'other', priority: 0, nice: 0 }, { policy: 'batch', priority: 0, nice: 3 }, { policy: 'idle', priority: 0, nice: 0 }, { policy: 'other', priority: 0, nice: -5 }] as const) })],
      [3, () => ({ kind: 'make', hierarchy, path: fresh })],
      [1, () => ({ kind: 'remove', hierarchy, path: random.chance(0.8) ? `${placed.own[HIERARCHIES.find(name => keys.get(name) === hierarchy)!].path}/spare` : random.pick(known) })],
      [2, () => ({ kind: 'quota', hierarchy: keys.get('cpu')!, path: `${top}/vcpu${random.below(4)}`, to: { quota: random.pick(['max', 10_000, 25_000] as const), period: random.pick([20_000, 50_000, 100_000]) } })],
      [2, () => ({ kind: 'set', hierarchy: keys.get('cpu')!, path: `${top}/vcpu${random.below(4)}`, file: 'cpu.shares', value: random.pick(['1', '2', '300', '999999']) })],
      [3, () => ({ kind: 'set', hierarchy: keys.get('cpuset')!, path: random.pick([top, `${top}/vcpu${random.below(4)}`, `${top}/spare`]), file: 'cpuset.cpus', value: random.pick(['0', '1', '0-1', '0,1', '']) })],
    ])();
  }

  /** Everything that plans can change, by readers of the tests' own. */
  function stateOf(): Record<string, string> {
    const state: Record<string, string> = {};
    for (const { pid, tid } of watched) {
      const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const places = placesOf(pid, tid);
      for (const key of keys.values()) state[`${tid} in ${key}`] = places[key]!;
      state[`${tid} allowed`] = statusOf(pid, tid, 'Cpus_allowed_list');
      state[`${tid} scheduling`] = `${fields[38]} ${fields[37]} nice ${fields[16]}`;
    }
    for (const name of HIERARCHIES) for (const [path, text] of valuesBelow(placed.own[name])) state[`${name} ${path}`] = text;
    return state;
  }

  /** What of the results and of the host afterwards was not predicted. */
  function unlike(plan: Plan, applied: Applied, before: Readonly<Record<string, string>>): string[] {
    const found: string[] = [];
    if (!applied.complete || applied.remarks.length > 0) found.push(`remarks: ${applied.remarks.join(' | ')}`);
    const allowed = new Map<string, (cpus: string) => boolean>();
    const values = new Map<string, Set<string>>();
    const places = new Map<string, string>();
    for (const [i, result] of applied.steps.entries()) {
      const { action, outcomes } = plan.steps[i]!;
      const name = `step ${i + 1} of ${plan.steps.length} (${JSON.stringify({ ...action, task: 'task' in action ? action.task.tid : undefined })})`;
      if (result.state === 'not done') continue;
      if (result.state === 'refused' ? !outcomes.some(({ errno }) => errno === result.errno) : result.state !== 'done' || !outcomes.some(({ errno }) => errno === undefined)) {
        found.push(`${name}: ${inWords(result)} found ${result.found ?? ''} ${result.said ?? ''}, predicted ${outcomes.map(({ errno }) => errno ?? 'done').join(' or ')}`);
        continue;
      }
      if (result.state !== 'done') continue;
      const could = outcomes.filter(({ errno }) => errno === undefined);
      // Of a cgroup that is in no model any more nobody knows what it grants.
      if ('task' in action && outcomes.some(({ because }) => because?.id === 'cgroup-unknown')) allowed.set(`${action.task.tid} allowed`, () => true);
      const touched = new Set(could.flatMap(({ effects }) => effects.flatMap(effect => (effect.kind === 'allowed' ? [effect.tid] : []))));
      for (const tid of touched) {
        const was = allowed.get(`${tid} allowed`) ?? ((cpus: string): boolean => cpus === before[`${tid} allowed`]);
        allowed.set(`${tid} allowed`, cpus => could.some(({ effects }) => {
          const effect = effects.find((one): one is Extract<Effect, { kind: 'allowed' }> => one.kind === 'allowed' && one.tid === tid);
          return effect === undefined ? was(cpus) : fits(effect, cpus);
        }));
      }
      for (const { effects } of could) for (const effect of effects) if (effect.kind === 'value' || effect.kind === 'type') values.set(`${effect.hierarchy} ${effect.path} ${effect.kind === 'type' ? 'cgroup.type' : effect.file}`, new Set([...(could.length > 1 ? (values.get(`${effect.hierarchy} ${effect.path}`) ?? []) : []), effect.kind === 'type' ? effect.type : effect.value]));
      if (action.kind === 'move') {
        for (const tid of action.file === 'cgroup.procs' ? tidsOf(action.task.pid) : [action.task.tid]) places.set(`${tid} in ${action.to.hierarchy}`, action.to.path);
        if (result.found !== action.to.path) found.push(`${name}: found in ${result.found}`);
      }
      if (action.kind === 'affinity' && !allowed.get(`${action.task.tid} allowed`)?.(result.found!) && result.found !== before[`${action.task.tid} allowed`]) found.push(`${name}: CPUs ${result.found}, not predicted; before ${before[`${action.task.tid} allowed`]} outcomes ${JSON.stringify(outcomes)}`);
    }
    const now = stateOf();
    for (const name of Object.keys(now)) {
      const fitsNow = allowed.get(name) ?? (name.endsWith(' allowed') ? (cpus: string): boolean => cpus === before[name] : undefined);
      if (fitsNow && !fitsNow(now[name]!)) found.push(`${name} is ${now[name]}, was ${before[name]}: not predicted`);
      if (/ in /.test(name)) {
        const place = places.get(name) ?? before[name];
        if (place !== now[name]) found.push(`${name} is ${now[name]}, not ${place}`);
      }
    }
    return found;
  }

  /** Whether all is as it was; and makes it so where it is not, for the next round. */
  async function reset(before: Readonly<Record<string, string>>, problem: (text: string) => void, mustBe: boolean): Promise<void> {
    const now = stateOf();
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(name => before[name] !== now[name]);
    if (mustBe && names.length > 0) problem(`not exact: ${names.map(name => `${name}: ${before[name]} → ${now[name]}`).join(', ')}`);
    if (names.length > 0) restore(before);
  }

  /** By hand, roughly: the next round begins from whatever is there. */
  function restore(before: Readonly<Record<string, string>>): void {
    const attempt = (what: () => unknown): void => {
      try {
        what();
      } catch {
        // the next round begins from whatever is there
      }
    };
    for (const name of HIERARCHIES) attempt(() => makeCgroup(name, 'there', 'spare'));
    for (const leaf of [...Array(4).keys()].map(n => `vcpu${n}`).concat('iothread1', 'spare')) {
      for (const name of HIERARCHIES) attempt(() => makeCgroup(name, 'there', leaf));
      attempt(() => makeCgroup('0::', 'there', leaf).write('cgroup.type', 'threaded'));
    }
    attempt(() => makeCgroup('cpuset', 'there').write('cpuset.cpus', '0-1'));
    for (const line of Object.keys(before).filter(name => name.startsWith('cpuset /') && name.endsWith('cpuset.cpus'))) attempt(() => new Place(line).write(before[line]!));
    for (const [name, path] of Object.entries(before).filter(([line]) => / in /.test(line))) attempt(() => void moveBy(Number(name.split(' ')[0]), name.split(' in ')[1]!, path));
    for (const [name, cpus] of Object.entries(before).filter(([line]) => / allowed$/.test(line))) attempt(() => run('taskset', '-pc', cpus, name.split(' ')[0]!));
  }

  function moveBy(tid: number, key: string, path: string): void {
    const of = HIERARCHIES.find(name => keys.get(name) === key)!;
    makeCgroup(of, ...path.split('/').slice(2)).addThread(tid);
  }

  class Place {
    constructor(private readonly line: string) {}

    write(value: string): void {
      const [, path, file] = /^\S+ (\S+) (\S+)$/.exec(this.line)!;
      makeCgroup('cpuset', ...path!.split('/').slice(2)).write(file!, value === '' ? '\n' : value);
    }
  }
});

function fits(effect: Extract<Effect, { kind: 'allowed' }>, cpus: string): boolean {
  if (!effect.open) return effect.cpus === cpus;
  const has = parseCpuList(cpus)!;
  return parseCpuList(effect.open.least)!.isSubsetOf(has) && has.isSubsetOf(parseCpuList(effect.open.most)!);
}

function* valuesBelow(cgroup: OwnCgroup): Generator<[string, string]> {
  for (const file of FILES) if (cgroup.has(file)) yield [`${cgroup.path} ${file}`, cgroup.read(file)];
  yield [`${cgroup.path} exists`, 'yes'];
  for (const entry of readdirSync(cgroup.directory, { withFileTypes: true })) if (entry.isDirectory()) yield* valuesBelow(makeCgroup(cgroup.controller, ...cgroup.path.split('/').slice(2), entry.name));
}

function inShort(change: Change): string {
  const { thread, ...rest } = change as Change & { thread?: Thread };
  return JSON.stringify({ ...rest, ...(thread ? { thread: `${thread.tid} ${thread.comm}` } : {}), ...('cpus' in change ? { cpus: String(change.cpus) } : {}) });
}
