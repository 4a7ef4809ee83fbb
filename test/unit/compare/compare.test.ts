import assert from 'node:assert/strict';
import { type Comparison, compareMachines, pairMachines } from '../../../src/core/compare/compare';
import { printSide } from '../../../src/core/compare/print';
import type { HostModel } from '../../../src/core/model/hostModel';
import { ALL_HOSTS, type Changeable, type HostName, QEMU, SCOPE, machine, modelOf } from '../fixtures';
import { edit, put } from '../rules/checkRule';

type HostChange = (copy: Changeable) => void;

function compare(a: HostModel, b: HostModel, name = 'serial', other = name): Comparison {
  return compareMachines({ model: { ...a, label: 'before' }, machine: machine(a, name) }, { model: { ...b, label: 'now' }, machine: machine(b, other) });
}

async function moved(host: HostName, change: HostChange): Promise<string[]> {
  const { differences } = compare((await modelOf(host)).model, (await modelOf(host, change)).model);
  return differences.map(({ sentence }) => sentence());
}

const GROUP = `/sys/fs/cgroup${SCOPE}/libvirt`;

describe('two placements compared', () => {
  const cases: Readonly<Record<string, readonly [change: HostChange, said: string[]]>> = {
    'a vCPU in another group': [copy => put(copy, QEMU, 530, '', `${SCOPE}/libvirt/emulator`), ['vCPU 2, v2: S/vcpu2 in before, S/emulator in now']],
    'a thread that only its TID names': [copy => put(copy, QEMU, 523, '', `${SCOPE}/libvirt/vcpu0`), ['other 523, v2: S/emulator in before, S/vcpu0 in now']],
    'another affinity': [copy => edit(copy, `/proc/${QEMU}/task/529/status`, text => text.replace(/(Cpus_allowed_list:\s*)\S+/, '$10-1')), ['vCPU 1, cpus: 1 in before, 0-1 in now']],
    'another quota': [copy => edit(copy, `${GROUP}/vcpu1/cpu.max`, () => '20000 100000\n'), ['S/vcpu1 (v2), quota: 50000/100000 in before, 20000/100000 in now']],
    'a quota that is gone': [copy => edit(copy, `${GROUP}/vcpu1/cpu.max`, () => 'max 100000\n'), ['S/vcpu1 (v2), quota: 50000/100000 in before, nothing in now']],
    'a weight above it': [copy => edit(copy, `/sys/fs/cgroup${SCOPE}/cpu.weight`, () => '500\n'), ['S/.. (v2), weight: 2048 in before, 500 in now']],
    'a group that was made': [copy => void copy.directories.add(`${GROUP}/vcpu9`), ['S/vcpu9 (v2): only in now']],
    'a thread that could not be read': [copy => void copy.files.delete(`/proc/${QEMU}/task/529/status`), []],
    'when it ran last, and what it has used': [copy => edit(copy, `/proc/${QEMU}/task/529/stat`, text => text.replace(/ \d+ (\d+) (\d+) /, ' 77 $1 $2 ')), []],
  };
  for (const [name, [change, said]] of Object.entries(cases)) {
    it(name, async () => {
      assert.deepEqual(await moved('guest-v2', change), said);
    });
  }

  for (const name of ALL_HOSTS) {
    it(`a host is as it is itself: ${name}`, async () => {
      const [a, b] = [(await modelOf(name)).model, (await modelOf(name)).model];
      for (const one of a.machines) {
        const { differences, sections } = compare(a, b, one.name);
        assert.deepEqual(differences, []);
        assert.equal(printSide(sections[0]).text, printSide(sections[1]).text);
      }
    });
  }

  it('started anew it is the same: other TIDs, another number in the scope\'s name', async () => {
    const { model } = await modelOf('guest-hybrid');
    const { model: anew } = await modelOf('guest-hybrid', copy => {
      const other = (text: string): string => text.replaceAll(/\b4(5\d|6\d)\b/g, '84$1').replaceAll(String.raw`qemu\x2d1\x2d`, String.raw`qemu\x2d2\x2d`);
      for (const map of [copy.files, copy.links] as Map<string, string>[]) {
        const entries = [...map];
        map.clear();
        for (const [path, text] of entries) map.set(other(path), /cpuset|cpu\.|pids\./.test(path) ? text : other(text));
      }
      const directories = [...copy.directories];
      copy.directories.clear();
      for (const directory of directories) copy.directories.add(other(directory));
    });
    assert.notEqual(machine(anew, 'serial').pid, machine(model, 'serial').pid);
    const { differences, sections } = compare(model, anew);
    assert.deepEqual(differences.map(({ sentence }) => sentence()), []);
    assert.equal(printSide(sections[0]).text, printSide(sections[1]).text);
    assert.doesNotMatch(printSide(sections[0]).text, /\b45\d\b|x2d1|11111111/);
  });

  it('all threads elsewhere: said once; one of them: said of that one', async () => {
    const all = (copy: Changeable): number[] => [...copy.files.keys()].flatMap(path => /^\/proc\/450\/task\/(\d+)\/cgroup$/.exec(path)?.[1] ?? []).map(Number);
    assert.deepEqual(await moved('guest-hybrid', copy => { for (const tid of all(copy)) put(copy, 450, tid, 'devices', '/'); }), ['all threads, devices: S in before, / in now']);
    assert.deepEqual(await moved('guest-hybrid', copy => put(copy, 450, 459, 'devices', '/')), ['vCPU 1, devices: S in before, / in now']);
  });

  it('where libvirt made no directory for the machine, a cgroup is called by its path, not after that directory', async () => {
    const all = (copy: Changeable): number[] => [...copy.files.keys()].flatMap(path => /^\/proc\/450\/task\/(\d+)\/cgroup$/.exec(path)?.[1] ?? []).map(Number);
    assert.deepEqual(await moved('guest-hybrid', copy => {
      for (const directory of copy.directories) if (directory.startsWith('/sys/fs/cgroup/memory/machine.slice/')) copy.directories.delete(directory);
      copy.directories.add('/sys/fs/cgroup/memory/custom').add('/sys/fs/cgroup/memory/custom/web');
      for (const tid of all(copy)) put(copy, 450, tid, 'memory', '/custom/web');
    }), ['all threads, memory: S in before, /custom/web in now']);
  });

  it('real captures: a guest and the same with two vCPUs moved', async () => {
    const { differences } = compare((await modelOf('guest-hybrid')).model, (await modelOf('misplaced-vcpus')).model);
    assert.deepEqual(differences.map(({ sentence }) => sentence()), [
      'vCPU 2, cpu,cpuacct: S/vcpu2 in before, S/emulator in now',
      'vCPU 3, cpus: 1 in before, 0 in now',
      'vCPU 3, cpu,cpuacct: S/vcpu3 in before, S/emulator in now',
      'vCPU 3, cpuset: S/vcpu3 in before, S/emulator in now',
    ]);
    assert.deepEqual(differences[0]!.evidence, [
      { file: '/proc/450/task/460/cgroup', value: `cpu,cpuacct:${SCOPE}/libvirt/vcpu2` },
      { file: '/proc/450/task/460/cgroup', value: `cpu,cpuacct:${SCOPE}/libvirt/emulator` },
    ]);
  });

  it('a thread whose role and name are one word, which is said once', async () => {
    const a = (await modelOf('guest-hybrid', copy => edit(copy, '/proc/450/task/454/stat', text => text.replace('(qemu-system-x86)', '(call_rcu)')))).model;
    assert.ok(compare(a, (await modelOf('guest-v2')).model).differences.map(({ sentence }) => sentence()).includes('call_rcu: only in before'));
  });

  it('a vCPU that is only in one of two hosts; workers that came or went are nothing', async () => {
    const rename = (comm: string): HostChange => copy => edit(copy, `/proc/${QEMU}/task/523/stat`, text => text.replace('(qemu-system-x86)', `(${comm})`));
    assert.deepEqual(await moved('guest-v2', copy => { for (const file of [...copy.files.keys()].filter(path => path.startsWith(`/proc/${QEMU}/task/531/`))) copy.files.delete(file); }), ['vCPU 3: only in before']);
    const [a, b] = [(await modelOf('guest-v2', rename('worker'))).model, (await modelOf('guest-v2', copy => { for (const file of [...copy.files.keys()].filter(path => path.startsWith(`/proc/${QEMU}/task/523/`))) copy.files.delete(file); })).model];
    const { differences, sections } = compare(a, b);
    assert.deepEqual(differences, []);
    assert.equal(printSide(sections[0]).text, printSide(sections[1]).text);
  });

  it('the text has a line for each fact, and each difference its words in it', async () => {
    const { differences, sections } = compare((await modelOf('guest-hybrid')).model, (await modelOf('misplaced-vcpus')).model);
    const right = printSide(sections[1]);
    const lines = right.text.split('\n');
    assert.deepEqual(differences.map(difference => {
      const { line, start, end } = right.spanOf(difference);
      return lines[line]!.slice(start, end);
    }), ['S/emulator', '0', 'S/emulator', 'S/emulator']);
    const left = printSide(sections[0]).text.split('\n');
    assert.deepEqual(lines.flatMap((line, i) => (line === left[i] ? [] : [line])), ['  cpu,cpuacct       S/emulator', '  cpus              0', '  cpu,cpuacct       S/emulator', '  cpuset            S/emulator']);
  });

  it('of what one side has not, the nearest that it has', async () => {
    const { differences, sections } = compare((await modelOf('guest-v2')).model, (await modelOf('guest-v2', copy => {
      copy.directories.add(`${GROUP}/vcpu9`);
      edit(copy, `${GROUP}/vcpu1/cpu.max`, () => 'max 100000\n');
    })).model);
    const words = (side: 0 | 1): string[] => differences.map(difference => {
      const printed = printSide(sections[side]);
      const { line, start, end } = printed.spanOf(difference);
      return printed.text.split('\n')[line]!.slice(start, end);
    });
    assert.deepEqual([words(0), words(1)], [['50000/100000', 'machine'], ['S/vcpu1 (v2)', 'S/vcpu9 (v2)']]);
  });

  it('names that a terminal would obey are spelled out', async () => {
    const hostile = `${SCOPE}/libvirt/\x1b[2J\u202e`;
    const { differences, sections } = compare((await modelOf('guest-v2')).model, (await modelOf('guest-v2', copy => put(copy, QEMU, 530, '', hostile))).model);
    assert.ok(differences.some(({ sentence }) => sentence().includes('S/\\u{1b}[2J\\u{202e}')));
    for (const text of [...differences.map(({ sentence }) => sentence()), printSide(sections[1]).text]) assert.doesNotMatch(text, /[\x1b\u202e]/);
  });

  it('machines of two hosts: by UUID, then by name; the others are only there', async () => {
    const { model } = await modelOf('host-v1-libvirt');
    const renamed = { ...model, machines: model.machines.slice(0, -1).map(one => (one.name === 'kvmdemo' ? { ...one, name: 'renamed' } : one)) };
    const { pairs, only } = pairMachines(model, renamed);
    assert.deepEqual(pairs.map(([a, b]) => [a.name, b.name]), [['hybrid-tcg', 'hybrid-tcg'], ['kvmdemo', 'renamed'], ['legacy-tcg', 'legacy-tcg'], ['serial', 'serial']]);
    assert.deepEqual(only.map(machines => machines.map(({ name }) => name)), [['v2-tcg'], []]);
  });

  it('machines of two hosts: several of one name and without UUID are one after the other', async () => {
    const { model } = await modelOf('guest-v2');
    const [one] = model.machines;
    const twins = { ...model, machines: [1, 2, 3].map(pid => ({ ...one!, uuid: undefined, pid, key: `${pid}:1` })) };
    const { pairs, only } = pairMachines(twins, { ...twins, machines: twins.machines.slice(0, 2) });
    assert.deepEqual(pairs.map(([a, b]) => [a.pid, b.pid]), [[1, 1], [2, 2]]);
    assert.deepEqual(only.map(machines => machines.map(({ pid }) => pid)), [[3], []]);
  });
});
