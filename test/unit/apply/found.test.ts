import assert from 'node:assert/strict';
import { whatWasDone } from '../../../src/core/apply/found';
import type { StepResult } from '../../../src/core/apply/applied';
import type { Action } from '../../../src/core/cgroup/action';
import type { Effect } from '../../../src/core/cgroup/outcome';
import type { Cgroup, HostModel, Thread } from '../../../src/core/model/hostModel';
import { parseCpuList } from '../../../src/core/parse/cpuList';
import type { Plan, Step } from '../../../src/core/plan/plan';

/** TID → where it is in `cpu`, and its CPUs. A start time is ten times the TID. */
function modelOf(threads: Readonly<Record<number, readonly [path: string, cpus?: string]>>, cgroups: Readonly<Record<string, { shares?: number }>> = {}): HostModel {
  const all = Object.entries(threads).map(([tid, [path, cpus = '0-3']]) => ({
    key: `${tid}:${Number(tid) * 10}`, tid: Number(tid), pid: 1, startTime: Number(tid) * 10, policy: 'other', rtPriority: 0, nice: 0, cpusAllowed: parseCpuList(cpus), membership: { places: new Map([['cpu', { path }]]) },
  })) as unknown as Thread[];
  const hierarchy = { key: 'cpu', cgroups: new Map(Object.entries(cgroups).map(([path, values]) => [path, { path, ...values } as unknown as Cgroup])) };
  return { machines: [{ threads: all }], hierarchies: [hierarchy] } as unknown as HostModel;
}

const task = (tid: number): { tid: number; pid: number; startTime: number; comm: string } => ({ tid, pid: 1, startTime: tid * 10, comm: 'x' });
const ref = (path: string): { hierarchy: string; path: string; directory: string } => ({ hierarchy: 'cpu', path, directory: `/d${path}` });
const step = (action: Action, before?: string, effects: readonly Effect[] = []): Step => ({ action, preconditions: [], outcomes: [{ errno: undefined, because: undefined, effects }], before, undo: { kind: 'exact', because: undefined, actions: [] } });
const move = (tid: number, from: string, to: string): Step => step({ kind: 'move', task: task(tid), from, to: ref(to), file: 'tasks' }, from);
const pin = (tid: number, before: string, cpus: string, granted = cpus): Step => step({ kind: 'affinity', task: task(tid), cpus }, before, [{ kind: 'allowed', tid, cpus: granted }]);
const shares = (path: string, before: string, value: string): Step => step({ kind: 'write', cgroup: ref(path), file: 'cpu.shares', value }, before);
const planOf = (steps: readonly Step[]): Plan => ({ title: '', hostId: '', hostLabel: '', machine: undefined, readAt: 0, steps, warnings: [], consent: { kind: 'apply' }, asRoot: false });
const heard = (...states: StepResult['state'][]): StepResult[] => states.map(state => ({ state, errno: undefined, found: undefined, said: undefined }));

describe('what was done of a plan that was cut', () => {
  const both = [move(1, '/a', '/b'), move(2, '/a', '/b'), move(3, '/a', '/b')];
  const cases: [string, readonly Step[], HostModel, StepResult[] | undefined, StepResult['state'][]][] = [
    ['nothing', both, modelOf({ 1: ['/a'], 2: ['/a'], 3: ['/a'] }), undefined, ['not done', 'not done', 'not done']],
    ['a beginning', both, modelOf({ 1: ['/b'], 2: ['/b'], 3: ['/a'] }), undefined, ['done', 'done', 'not done']],
    ['all', both, modelOf({ 1: ['/b'], 2: ['/b'], 3: ['/b'] }), undefined, ['done', 'done', 'done']],
    ['what comes later proves what came before, though its thread is gone', both, modelOf({ 2: ['/b'], 3: ['/a'] }), undefined, ['done', 'done', 'not done']],
    ['a thread that is gone, and nothing behind it', both, modelOf({ 1: ['/b'] }), undefined, ['done', 'unknown', 'unknown']],
    ['moved on by somebody', both, modelOf({ 1: ['/b'], 2: ['/c'], 3: ['/a'] }), undefined, ['done', 'unknown', 'not done']],
    ['what was heard counts', both, modelOf({ 1: ['/a'], 2: ['/a'], 3: ['/a'] }), heard('done', 'unknown', 'unknown'), ['done', 'not done', 'not done']],
    ['behind what is known to be refused nothing was done', both, modelOf({ 1: ['/b'] }), heard('done', 'refused', 'unknown'), ['done', 'refused', 'not done']],
    ['another task with the same TID', [move(1, '/a', '/b')], ((): HostModel => { const model = modelOf({ 1: ['/b'] }); (model.machines[0]!.threads[0] as { key: string }).key = '1:99'; return model; })(), undefined, ['unknown']],
    ['a thread that is moved twice is told by the second move', [move(1, '/a', '/b'), move(1, '/b', '/c')], modelOf({ 1: ['/c'] }), undefined, ['done', 'done']],
    ['… and is between both', [move(1, '/a', '/b'), move(1, '/b', '/c')], modelOf({ 1: ['/b'] }), undefined, ['done', 'not done']],
    ['… there and back: nobody can tell', [move(1, '/a', '/b'), move(1, '/b', '/a')], modelOf({ 1: ['/a'] }), undefined, ['unknown', 'unknown']],
    ['affinity as the cpuset granted it', [pin(1, '0-3', '0-9', '0-1')], modelOf({ 1: ['/a', '0-1'] }), undefined, ['done']],
    ['affinity that looks the same before and after', [pin(1, '0-3', '0-3')], modelOf({ 1: ['/a', '0-3'] }), undefined, ['unknown']],
    ['a value', [shares('/a', '1024', '512'), shares('/b', '1024', '512')], modelOf({}, { '/a': { shares: 512 }, '/b': { shares: 1024 } }), undefined, ['done', 'not done']],
    ['a cgroup that was made', [step({ kind: 'make', cgroup: ref('/new') }), shares('/new', '1024', '7')], modelOf({}, { '/new': { shares: 1024 } }), undefined, ['done', 'not done']],
    ['a cgroup that was made, and no more', [step({ kind: 'make', cgroup: ref('/new') }), move(1, '/a', '/new')], modelOf({ 1: ['/a'] }, { '/new': {} }), undefined, ['done', 'not done']],
    ['one that is still there was not removed', [step({ kind: 'remove', cgroup: ref('/old') })], modelOf({}, { '/old': {} }), undefined, ['not done']],
    ['a tool leaves no trace of its own', [step({ kind: 'tool', argv: ['virsh'] }), move(1, '/a', '/b')], modelOf({ 1: ['/b'] }), undefined, ['done', 'done']],
  ];
  for (const [name, steps, model, before, states] of cases) it(name, () => assert.deepEqual(whatWasDone(planOf(steps), model, before).map(({ state }) => state), states));
});
