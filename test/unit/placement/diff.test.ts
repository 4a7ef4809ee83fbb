import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type DraftProblem, type PlacementEdit, diffPlacement } from '../../../src/core/placement/diff';
import { parsePlacement } from '../../../src/core/placement/parse';
import type { Attribute, Placement, Row } from '../../../src/core/placement/placement';
import { print } from '../../../src/core/placement/print';
import { toPlacement } from '../../../src/core/placement/toPlacement';
import { ALL_HOSTS, modelOf } from '../fixtures';

const SCOPE = String.raw`/machine.slice/machine-qemu\x2d1\x2dserial.scope/libvirt`;
const BASE = String.raw`machine serial   PID 519   qemu-system-x86_64   uuid 6dd3a1a3
host web1   hybrid   kernel 6.1.0
S = ${SCOPE}

all 4 threads
  devices freezer memory  S
  name=systemd 0::        S/..
  pids                    /

emulator      519  qemu-system-x86  other 0          cpus 0
  cpuset       S/emulator  cpus 0
  cpu,cpuacct  S/emulator  quota 80000/100000  shares 512

vCPU 0        533  CPU 0/KVM        other 0          cpus 4
  cpuset       S/vcpu0     cpus 4
  cpu,cpuacct  S/emulator  quota 80000/100000  shares 512

worker        540  worker           other 0  nice 5  cpus 0
  cpuset       S/emulator  cpus 0
  cpu,cpuacct  S/emulator  quota 80000/100000  shares 512

vhost         541  vhost-519        fifo 50          cpus ?
  cpuset       ?
  cpu,cpuacct  S/emulator  quota 80000/100000  shares 512

above
  0::  /machine.slice  pids 1000
`;

/** Changes lines that hold `has`: all, or the one that is counted from 0. */
const change = (has: string, from: string | RegExp, to: string, at?: number): string => {
  let seen = 0;
  return BASE.split('\n').map(line => (line.includes(has) && (at === undefined || at === seen++) ? line.replace(from, to) : line)).join('\n');
};

type Told = Omit<PlacementEdit, 'span'>;
const diff = (draft: string, base = BASE): { edits: Told[]; problems: DraftProblem[] } => {
  const { edits, problems } = diffPlacement(parsePlacement(base), parsePlacement(draft));
  return { edits: edits.map(({ span, ...told }) => told), problems: [...problems] };
};
const place = (tid: number, hierarchy: string, from: string, to: string): Told => ({ kind: 'place', tid, hierarchy, from, to }) as Told;
const value = (hierarchy: string, path: string, name: string, from: string | undefined, to: string | undefined): Told => ({ kind: 'value', hierarchy, path, name, from, to }) as Told;

describe('the difference between two placement texts', () => {
  const cases: Record<string, { draft: string; edits: Told[] }> = {
    'nothing': { draft: BASE, edits: [] },
    'spaces': { draft: BASE.replace(/ {3,}(?=\S)/g, '   ').replace(/\n/g, '  \n'), edits: [] },
    'Windows line ends': { draft: BASE.replaceAll('\n', '\r\n'), edits: [] },
    'a path': { draft: change('S/vcpu0', 'S/vcpu0', 'S/vcpu1'), edits: [place(533, 'cpuset', `${SCOPE}/vcpu0`, `${SCOPE}/vcpu1`)] },
    'a path, its limits taken out': { draft: change('S/vcpu0', /S\/vcpu0.*/, '/x'), edits: [place(533, 'cpuset', `${SCOPE}/vcpu0`, '/x')] },
    'a path, the limits of where it goes': { draft: change('S/vcpu0', /S\/vcpu0.*/, 'S/emulator  cpus 0'), edits: [place(533, 'cpuset', `${SCOPE}/vcpu0`, `${SCOPE}/emulator`)] },
    'a path in one of the hierarchies of a line': {
      draft: BASE.replace('  devices freezer memory  S\n', '  devices freezer  S\n  memory  S/m\n'),
      edits: [519, 533, 540, 541].map(tid => place(tid, 'memory', SCOPE, `${SCOPE}/m`)),
    },
    'what all threads share': { draft: change('  pids ', / \/$/, ' S'), edits: [519, 533, 540, 541].map(tid => place(tid, 'pids', '/', SCOPE)) },
    'a thread apart from the others': { draft: BASE.replace('  cpuset       S/vcpu0', '  pids  S/vcpu0\n  cpuset       S/vcpu0'), edits: [place(533, 'pids', '/', `${SCOPE}/vcpu0`)] },
    'CPUs': { draft: change('vCPU 0', 'cpus 4', 'cpus 4,6-7'), edits: [{ kind: 'cpus', tid: 533, from: '4', to: '4,6-7' } as Told] },
    'CPUs in another spelling of the same': { draft: change('vCPU 0', 'cpus 4', 'cpus 4-4'), edits: [] },
    'all CPUs': { draft: change('vCPU 0', 'cpus 4', 'cpus all'), edits: [{ kind: 'cpus', tid: 533, from: '4', to: 'all' } as Told] },
    'a policy': { draft: change('vCPU 0', 'other 0', 'fifo 1'), edits: [{ kind: 'scheduling', tid: 533, from: { policy: 'other 0', nice: 0 }, to: { policy: 'fifo 1', nice: 0 } } as Told] },
    'nice': { draft: change('vCPU 0', 'other 0 ', 'other 0  nice -5 '), edits: [{ kind: 'scheduling', tid: 533, from: { policy: 'other 0', nice: 0 }, to: { policy: 'other 0', nice: -5 } } as Told] },
    'nice back to 0': { draft: change('worker', 'nice 5', ''), edits: [{ kind: 'scheduling', tid: 540, from: { policy: 'other 0', nice: 5 }, to: { policy: 'other 0', nice: 0 } } as Told] },
    'a limit, in one of the lines that list it': { draft: change('quota', '80000/', '50000/', 1), edits: [value('cpu,cpuacct', `${SCOPE}/emulator`, 'quota', '80000/100000', '50000/100000')] },
    'a limit, in all lines that list it': { draft: change('quota', '80000/', '50000/'), edits: [value('cpu,cpuacct', `${SCOPE}/emulator`, 'quota', '80000/100000', '50000/100000')] },
    'a limit more': { draft: change('S/vcpu0', 'cpus 4', 'cpus 4  mems 0'), edits: [value('cpuset', `${SCOPE}/vcpu0`, 'mems', undefined, '0')] },
    'a limit less': { draft: change('shares', 'shares 512', '', 0), edits: [value('cpu,cpuacct', `${SCOPE}/emulator`, 'shares', '512', undefined)] },
    'a limit above': { draft: change('/machine.slice  ', 'pids 1000', 'pids max'), edits: [value('0::', '/machine.slice', 'pids', '1000', 'max')] },
    'CPUs of a cgroup': { draft: change('S/vcpu0', 'cpus 4', 'cpus 4,5'), edits: [value('cpuset', `${SCOPE}/vcpu0`, 'cpus', '4', '4-5')] },
  };
  for (const [name, { draft, edits }] of Object.entries(cases)) it(name, () => assert.deepEqual(diff(draft), { edits, problems: [] }));

  const refused: Record<string, { draft: string; reason: DraftProblem['reason']; expected: RegExp; line: RegExp }> = {
    'a line that is no line': { draft: BASE.replace('above\n', 'garbage\nabove\n'), reason: 'not-understood', expected: /ROLE {2}TID/, line: /^garbage/ },
    'a word too many on a thread': { draft: change('vCPU 0', 'cpus 4', 'cpus 4  quickly'), reason: 'not-understood', expected: /ROLE {2}TID/, line: /^vCPU 0/ },
    'an open quote': { draft: change('S/vcpu0', 'S/vcpu0', '"/x'), reason: 'not-understood', expected: /quote/, line: /"/ },
    'the machine': { draft: change('machine serial', 'serial', 'other'), reason: 'not-editable', expected: /^machine serial +PID 519/, line: /^machine/ },
    'the PID': { draft: change('machine serial', '519', '520'), reason: 'not-editable', expected: /PID 519/, line: /^machine/ },
    'the host': { draft: change('host web1', 'web1', 'web2'), reason: 'not-editable', expected: /^host web1/, line: /^host/ },
    'the mode': { draft: change('host web1', 'hybrid', 'unified'), reason: 'not-editable', expected: /hybrid/, line: /^host/ },
    'what S stands for': { draft: change('S = ', 'libvirt', 'other'), reason: 'not-editable', expected: /^S = .*libvirt$/, line: /^S = / },
    'S taken out': { draft: BASE.replace(/S = .*\n/, ''), reason: 'not-editable', expected: /^S = /, line: /^machine/ },
    'the number of threads': { draft: change('all 4', '4', '5'), reason: 'not-editable', expected: /^all 4 threads$/, line: /^all/ },
    'a TID': { draft: change('vCPU 0', '533', '534'), reason: 'not-known', expected: /533/, line: /534/ },
    'a thread more': { draft: BASE.replace('\nabove', 'vCPU 9  999  CPU 9/KVM  other 0  cpus 0\n\nabove'), reason: 'not-known', expected: /533/, line: /999/ },
    'a thread twice': { draft: BASE.replace('\nabove', 'vCPU 0  533  CPU 0/KVM  other 0  cpus 4\n\nabove'), reason: 'twice', expected: /533/, line: /533/ },
    'a thread less': { draft: BASE.replace(/worker[^]*?\n\n/, ''), reason: 'removed', expected: /^worker {2}540$/, line: /^machine/ },
    'a role': { draft: change('vCPU 0', 'vCPU 0', 'vCPU 1'), reason: 'not-editable', expected: /^vCPU 0$/, line: /^vCPU 1/ },
    'a name': { draft: change('vCPU 0', 'CPU 0/KVM', 'CPU 1/KVM'), reason: 'not-editable', expected: /^CPU 0\/KVM$/, line: /^vCPU 0/ },
    'a thread\'s line taken out': { draft: BASE.replace(/ {2}cpuset +S\/vcpu0.*\n/, ''), reason: 'removed', expected: /^cpuset {2}\/machine/, line: /^vCPU 0/ },
    'a line of all taken out': { draft: BASE.replace(/ {2}pids .*\n/, ''), reason: 'removed', expected: /^pids$/, line: /^all/ },
    'a line of above taken out': { draft: BASE.replace(/ {2}0:: {2}\/machine.*\n/, ''), reason: 'removed', expected: /^0:: {2}\/machine\.slice$/, line: /^above/ },
    'a hierarchy that is not there': { draft: change('S/vcpu0', 'cpuset', 'cpuser'), reason: 'not-known', expected: /cpuset/, line: /cpuser/ },
    'a hierarchy twice': { draft: BASE.replace('  pids ', '  pids devices '), reason: 'twice', expected: /devices/, line: /pids devices/ },
    'no path': { draft: change('S/vcpu0', 'S/vcpu0', 'vcpu0'), reason: 'not-understood', expected: /\/PATH/, line: /vcpu0/ },
    'a path with two dots': { draft: change('S/vcpu0', 'S/vcpu0', 'S/../../x'), reason: 'not-understood', expected: /without \.\./, line: /\.\./ },
    'a path with an end too many': { draft: change('S/vcpu0', 'S/vcpu0', 'S/vcpu1/'), reason: 'not-understood', expected: /\/PATH/, line: /vcpu1/ },
    'a path with a newline': { draft: change('S/vcpu0', 'S/vcpu0', String.raw`"/a\u000ab"`), reason: 'not-understood', expected: /\/PATH/, line: /000a/ },
    'a place that could not be read': { draft: change('cpuset       ?', '?', '/x'), reason: 'not-editable', expected: /\?/, line: /cpuset +\/x/ },
    'CPUs that could not be read': { draft: change('vhost-519', 'cpus ?', 'cpus 1'), reason: 'not-editable', expected: /cpus \?/, line: /vhost-519/ },
    'no CPUs': { draft: change('vCPU 0', 'cpus 4', 'cpus none'), reason: 'not-understood', expected: /cpus LIST/, line: /vCPU 0/ },
    'CPUs that are none': { draft: change('vCPU 0', 'cpus 4', 'cpus four'), reason: 'not-understood', expected: /cpus LIST/, line: /vCPU 0/ },
    'a policy that is none': { draft: change('vCPU 0', 'other 0', 'deadline 0'), reason: 'not-understood', expected: /fifo/, line: /vCPU 0/ },
    'a priority of none': { draft: change('vCPU 0', 'other 0', 'fifo 0'), reason: 'not-understood', expected: /fifo/, line: /vCPU 0/ },
    'too nice': { draft: change('worker', 'nice 5', 'nice 25'), reason: 'not-understood', expected: /-20 to 19/, line: /worker/ },
    'a path and its limits at once': { draft: change('S/vcpu0', /S\/vcpu0.*/, 'S/vcpu1  cpus 5'), reason: 'path-and-limits', expected: /nothing/, line: /vcpu1/ },
    'two limits for one cgroup': { draft: change('quota', '80000/', '60000/').replace('60000/', '50000/'), reason: 'twice', expected: /quota 50000/, line: /quota 60000/ },
    'a limit twice in a line': { draft: change('S/vcpu0', 'cpus 4', 'cpus 4  cpus 5'), reason: 'twice', expected: /cpus/, line: /vcpu0/ },
    'a limit that is none': { draft: change('S/vcpu0', 'cpus 4', 'cpus x'), reason: 'not-understood', expected: /cpus LIST/, line: /vcpu0/ },
    'what cannot be set': { draft: change('S/vcpu0', 'cpus 4', 'cpus 4  frozen'), reason: 'not-editable', expected: /nothing/, line: /vcpu0/ },
    'a path above': { draft: change('/machine.slice  ', '/machine.slice ', '/other.slice '), reason: 'not-editable', expected: /\/machine\.slice/, line: /other/ },
    'an empty text': { draft: '', reason: 'removed', expected: /machine/, line: /^$/ },
  };
  for (const [name, { draft, reason, expected, line }] of Object.entries(refused)) {
    it(`refused: ${name}`, () => {
      const { edits, problems } = diff(draft);
      assert.deepEqual(edits, []);
      const found = problems.find(problem => problem.reason === reason && expected.test(problem.expected));
      assert.ok(found, JSON.stringify(problems));
      assert.match(draft.split('\n')[found.line]!, line);
    });
  }

  it('nothing is found between a real host\'s text and itself', async () => {
    for (const host of ALL_HOSTS) {
      const { model } = await modelOf(host);
      for (const machine of model.machines) {
        const text = print(toPlacement(model, machine));
        assert.deepEqual(diff(text, text), { edits: [], problems: [] }, host);
      }
    }
  });

  it('random edits of real hosts are found, exactly those', async () => {
    const placements = (await Promise.all(ALL_HOSTS.map(host => modelOf(host)))).flatMap(({ model }) => model.machines.map(machine => toPlacement(model, machine)));
    fc.assert(
      fc.property(fc.constantFrom(...placements), fc.infiniteStream(fc.nat()), (placement, numbers) => {
        const pick = (n: number): number => numbers.next().value! % n;
        const { edited, expected } = editAtRandom(placement, pick);
        assert.deepEqual(sorted(diff(textOf(edited, placement), print(placement)).edits), sorted(expected));
      }),
      { numRuns: 1000, seed: 20164 },
    );
  });
});

/** An edited placement in the spelling of the text that it began from: its `S` stays what it was. */
function textOf(edited: Placement, began: Placement): string {
  const alias = parsePlacement(print(began)).alias;
  const text = print(edited);
  const { alias: other } = parsePlacement(text);
  if (other === alias) return text;
  // Paths are spelled out where the shorter text would have another S.
  const spelled = text.replace(/^S = .*\n/m, '').replace(/ S(\/\.\.|\/[^ \n]*)?(?= |\n)/g, (_, rest: string | undefined) => ` ${rest === '/..' ? other!.replace(/\/[^/]*$/, '') : other! + (rest ?? '')}`);
  return alias === undefined ? spelled : spelled.replace(/^(host .*\n)/m, (_, host: string) => `${host}S = ${alias}\n`);
}

const sorted = (edits: readonly Told[]): string[] => edits.map(edit => JSON.stringify(edit, Object.keys(edit).sort())).sort();

function editAtRandom(placement: Placement, pick: (n: number) => number): { edited: Placement; expected: Told[] } {
  const expected: Told[] = [];
  const edited = structuredClone(placement) as { shared: Row[]; above: Row[]; threads: (Placement['threads'][number] & { rows: Row[]; cpus: string; policy: string; nice: number })[] } & Placement;
  const path = (): string => `/made.slice/up${pick(1000)}`;
  const editRows = (rows: Row[], tids: (hierarchy: string) => readonly number[]): void => {
    for (const [i, row] of rows.entries()) {
      if (pick(4) !== 0 || row.path === '?') continue;
      const to = path();
      rows[i] = { ...row, path: to, attributes: pick(2) === 0 ? row.attributes : [] };
      for (const hierarchy of row.hierarchies) for (const tid of tids(hierarchy)) expected.push(place(tid, hierarchy, row.path, to));
    }
  };
  editRows(edited.shared, hierarchy => placement.threads.filter(thread => !thread.rows.some(row => row.hierarchies.includes(hierarchy))).map(thread => thread.tid));
  for (const [i, thread] of edited.threads.entries()) {
    editRows(thread.rows, () => [thread.tid]);
    if (pick(5) === 0 && thread.cpus !== '?') {
      const to = pick(2) === 0 ? 'all' : String(100 + pick(50));
      edited.threads[i] = { ...thread, cpus: to };
      expected.push({ kind: 'cpus', tid: thread.tid, from: thread.cpus, to } as Told);
    }
    if (pick(5) === 0) {
      const nice = pick(40) - 20;
      if (nice === thread.nice && thread.policy === 'other 0') continue;
      edited.threads[i] = { ...edited.threads[i]!, policy: 'other 0', nice };
      expected.push({ kind: 'scheduling', tid: thread.tid, from: { policy: thread.policy, nice: thread.nice }, to: { policy: 'other 0', nice } } as Told);
    }
  }
  // Limits: of lines whose path stays, each cgroup once.
  const done = new Set<string>();
  const limit = (rows: Row[]): void => {
    for (const [i, row] of rows.entries()) {
      if (row.path.startsWith('/made.slice') || pick(3) !== 0) continue;
      for (const [name, controller] of [['quota', 'cpu'], ['pids', 'pids'], ['cpus', 'cpuset']] as const) {
        const hierarchy = row.hierarchies.find(key => key.split(',').includes(controller)) ?? row.hierarchies.find(key => key === '0::');
        const key = `${hierarchy} ${row.path} ${name}`;
        if (hierarchy === undefined || done.has(key) || pick(2) === 0) continue;
        done.add(key);
        const to = { quota: `${1000 + pick(9000)}/200000`, pids: String(2_000_000 + pick(1000)), cpus: String(200 + pick(50)) }[name];
        const from = rows[i]!.attributes.find(attribute => attribute.name === name)?.value;
        const attributes: Attribute[] = [...rows[i]!.attributes.filter(attribute => attribute.name !== name), { name, value: to }];
        rows[i] = { ...row, attributes };
        expected.push(value(hierarchy, row.path, name, from, to));
      }
    }
  };
  limit(edited.shared);
  for (const thread of edited.threads) limit(thread.rows);
  limit(edited.above);
  return { edited, expected };
}
