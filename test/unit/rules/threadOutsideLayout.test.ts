import assert from 'node:assert/strict';
import { makePlan } from '../../../src/core/plan/makePlan';
import { findingsOf } from '../../../src/core/rules/allRules';
import type { Finding } from '../../../src/core/rules/rule';
import { threadOutsideLayout } from '../../../src/core/rules/threadOutsideLayout';
import { ALL_HOSTS, type Changeable, type HostName, QEMU, SCOPE, modelOf } from '../fixtures';
import { type HostChange, edit, findingsOfRule, put } from './checkRule';

const S = `${SCOPE}/libvirt`;
const HYBRID = 450;
const shown = (path: string): string => path.replace(S, 'S').replace(S.replace('x2d1', 'x2d2'), 'S');
const findings = (host: HostName, change?: HostChange): Promise<Finding[]> => findingsOfRule(threadOutsideLayout, host, change);

/** Every thread of a machine. */
function putAll(copy: Changeable, pid: number, key: string, path: string): void {
  for (const file of copy.files.keys()) {
    const tid = new RegExp(`^/proc/${pid}/task/(\\d+)/cgroup$`).exec(file)?.[1];
    if (tid !== undefined) put(copy, pid, Number(tid), key, path);
  }
}

describe('thread-outside-layout', () => {
  const cases: Readonly<Record<string, readonly [host: HostName, change: HostChange, sentences: readonly string[]]>> = {
    'an I/O thread in emulator': ['guest-v2', copy => put(copy, QEMU, 525, '', `${S}/emulator`), ['I/O thread iothread1 is in S/emulator (v2), expected S/iothread1 (quota 80000/100000 instead of 60000/100000, CPUs 0 instead of 1)']],
    'the emulator in a vCPU\'s group': ['guest-v2', copy => put(copy, QEMU, QEMU, '', `${S}/vcpu1`), ['emulator is in S/vcpu1 (v2), expected S/emulator (quota 50000/100000 instead of 80000/100000, CPUs 1 instead of 0)']],
    'a vCPU in the group of another': ['guest-v2', copy => put(copy, QEMU, 530, '', `${S}/vcpu0`), ['vCPU 2 is in S/vcpu0 (v2), expected S/vcpu2']],
    'a thread without a name of its own': ['guest-hybrid', copy => put(copy, HYBRID, 454, 'cpuset', '/'), ['thread 454 (qemu-system-x86) is in / (cpuset), expected S/emulator (CPUs 0-1 instead of 0)']],
    'in the machine\'s directory of a hierarchy without groups: not in it': ['guest-hybrid', copy => put(copy, HYBRID, 460, 'memory', '/machine.slice'), ['vCPU 2 is in /machine.slice (memory), expected S']],
    'in the scope, where libvirt has a level below it': ['guest-hybrid', copy => put(copy, HYBRID, 460, 'devices', SCOPE), [`vCPU 2 is in ${SCOPE} (devices), expected S`]],
    'below the scope, where systemd alone has it': ['guest-legacy', copy => put(copy, 492, 492, 'pids', '/'), [`emulator is in / (pids), expected ${SCOPE}`]],
    'libvirt alone, in the machine\'s directory': ['host-v1-libvirt', copy => put(copy, 29142, 29152, 'blkio', '/'), ['vCPU 3 is in / (blkio), expected /machine/qemu-2-kvmdemo.libvirt-qemu']],
    'in another machine\'s group': ['host-v1-libvirt', copy => put(copy, 29142, 29152, 'cpu', '/machine/qemu-1-serial.libvirt-qemu/vcpu3'), ['vCPU 3 is in /machine/qemu-1-serial.libvirt-qemu/vcpu3 (cpu), expected /machine/qemu-2-kvmdemo.libvirt-qemu/vcpu3']],
    'the whole process, in a hierarchy with groups': ['guest-hybrid', copy => putAll(copy, HYBRID, 'cpuset', '/'), ['all 9 threads are in / (cpuset), expected S']],
    'and without': ['guest-hybrid', copy => putAll(copy, HYBRID, 'memory', '/system.slice'), ['all 9 threads are in /system.slice (memory), expected S']],
    'the whole process but for a helper of the kernel, which is nowhere expected': ['host-v1-libvirt', copy => putAll(copy, 29142, 'cpu', '/'), ['all 9 threads are in / (cpu), expected /machine/qemu-2-kvmdemo.libvirt-qemu']],
  };
  for (const [name, [host, change, sentences]] of Object.entries(cases)) {
    it(name, async () => {
      const found = await findings(host, change);
      assert.deepEqual(found.map(f => f.sentence(shown)), sentences);
      for (const { severity, machine, fixes } of found) {
        assert.equal(severity, 'warning');
        assert.ok(fixes.length > 0);
        const { model } = await modelOf(host, change);
        for (const fix of fixes) assert.ok(makePlan(model, model.machines.find(({ key }) => key === machine.key), fix.changes(), { expert: false }).plan, fix.title(shown));
      }
    });
  }

  it('a worker is where the emulator is, or the I/O thread or the vCPU that started it', async () => {
    const worker = (path: string): HostChange => copy => {
      edit(copy, `/proc/${QEMU}/task/523/stat`, text => text.replace('(qemu-system-x86)', '(worker)'));
      if (path !== `${S}/emulator`) put(copy, QEMU, 523, '', path);
    };
    for (const [group, count] of [['emulator', 0], ['iothread1', 0], ['vcpu1', 0], ['iothread1x', 1], ['vcpu', 1]] as const) assert.equal((await findings('guest-v2', worker(`${S}/${group}`))).length, count, group);
  });

  it('says nothing of threads without names in the groups of vCPUs and I/O threads: they may be those', async () => {
    const nameless: HostChange = copy => {
      for (const [file, text] of [...copy.files]) if (new RegExp(`^/proc/${QEMU}/task/\\d+/stat$`).test(file)) copy.files.set(file, text.replace(/\(.*\)/, '(qemu-system-x86)'));
    };
    assert.deepEqual(await findings('guest-v2', nameless), [], 'I/O threads, which libvirt\'s state does not name');
    const unknown: HostChange = copy => {
      nameless(copy);
      copy.files.delete('/run/libvirt/qemu/serial.xml');
    };
    const { model } = await modelOf('guest-v2', unknown);
    assert.deepEqual(findingsOf(model).filter(({ severity }) => severity !== 'hint').map(({ rule }) => rule), ['nameless-threads']);
    assert.ok(!findingsOf(model).some(({ rule }) => rule === 'stranger-in-vcpu-cgroup'));
    assert.equal((await findings('guest-v2', copy => {
      unknown(copy);
      put(copy, QEMU, 528, '', '/');
    })).length, 1, 'elsewhere it is in no group at all');
  });

  it('says nothing of Kata, which has vCPUs in the pod\'s cgroup and the rest in one of its own', async () => {
    assert.deepEqual(await findings('guest-legacy', copy => {
      for (const [file, text] of [...copy.files]) {
        const tid = /^\/proc\/492\/task\/(\d+)\/cgroup$/.exec(file)?.[1];
        const place = tid === undefined ? '' : copy.files.get(`/proc/492/task/${tid}/stat`)!.includes('(CPU ') ? '/kubepods/burstable/pod0123/0123abc' : '/kata_overhead/0123abc';
        if (place !== '') copy.files.set(file, text.replace(/:\/.*$/gm, `:${place}`));
      }
    }), []);
  });

  it('costs: within the machine what is set for the thread, elsewhere what is set for the machine', async () => {
    const cost = async (path: string, key = ''): Promise<string> => (await findings(key ? 'guest-hybrid' : 'guest-v2', copy => put(copy, key ? HYBRID : QEMU, key ? 460 : 530, key, path)))[0]!.cost();
    for (const path of [`${S}/vcpu0`, S]) assert.match(await cost(path), /what is set for it has no effect$/);
    for (const [path, key] of [[SCOPE, ''], ['/', ''], [`${SCOPE}x/libvirt/vcpu0`, ''], [SCOPE, 'devices']] as const) assert.match(await cost(path, key), /^what is set for its machine/);
  });

  it('one thread in two hierarchies and another in one: the fixes, from the smallest to all of the machine', async () => {
    const [first] = await findings('guest-hybrid', copy => {
      put(copy, HYBRID, 460, 'memory', '/');
      put(copy, HYBRID, 460, 'cpuset', '/');
      put(copy, HYBRID, 455, 'cpuset', '/');
    });
    assert.deepEqual(first!.fixes.map(fix => [fix.title(shown), fix.changes().map(c => (c.kind === 'move' ? `${c.thread.tid} ${c.hierarchy} ${shown(c.to)}` : c.kind))]), [
      ['Move vCPU 2 to S/vcpu2 (cpuset)', ['460 cpuset S/vcpu2']],
      ['Move vCPU 2 to S/vcpu2 (cpuset, memory)', ['460 cpuset S/vcpu2', '460 memory S']],
      ['Bring 2 threads back', ['460 cpuset S/vcpu2', '460 memory S', '455 cpuset S/iothread1']],
    ]);
  });

  it('its evidence is what was read', async () => {
    const [found] = await findings('guest-v2', copy => put(copy, QEMU, 525, '', `${S}/emulator`));
    const at = (group: string): string => `/sys/fs/cgroup${S}/${group}`;
    assert.deepEqual(found!.evidence, [
      { file: `/proc/${QEMU}/task/525/cgroup`, value: `0::${S}/emulator` },
      { file: `${at('emulator')}/cpuset.cpus`, value: '0' },
      { file: `${at('emulator')}/cpu.max`, value: '80000 100000' },
      { file: `${at('iothread1')}/cpuset.cpus`, value: '1' },
      { file: `${at('iothread1')}/cpu.max`, value: '60000 100000' },
    ]);
    assert.equal(found!.advice(shown), 'write 525 to cgroup.threads of S/iothread1');
  });

  it('threads that the kernel moved out of a group without a CPU: found, and no fix while that group can hold none', async () => {
    const found = await findings('guest-hybrid-cpu-offline');
    assert.deepEqual(found.map(f => [f.sentence(shown), f.fixes.length]), ['vCPU 1', 'vCPU 3', 'I/O thread iothread1'].map(who => {
      const group = who.replace('vCPU ', 'vcpu').replace('I/O thread ', '');
      return [`${who} is in S (cpuset), expected S/${group} (CPUs 0 instead of none)`, 0];
    }));
  });

  it('a process whose memory would move with its leader: the leader has a fix of its own, and there is none for all at once', async () => {
    const clean = String.raw`/machine.slice/machine-qemu\x2d1\x2dclean.scope/libvirt`;
    const change: HostChange = copy => {
      put(copy, 443, 443, '', `${clean}/vcpu0`);
      put(copy, 443, 447, '', `${clean}/vcpu0`);
      for (const [group, nodes] of [['vcpu0', '0-1'], ['emulator', '1']]) copy.files.set(`/sys/fs/cgroup${clean}/${group}/cpuset.mems.effective`, `${nodes}\n`);
    };
    const found = await findings('guest-numa-clean', change);
    assert.deepEqual(found.map(({ fixes }) => fixes.length), [1, 1]);
    const { model } = await modelOf('guest-numa-clean', change);
    assert.deepEqual(found.map(({ fixes }) => makePlan(model, model.machines[0], fixes[0]!.changes(), { expert: false }).plan?.consent.kind), ['alone', 'apply']);
  });

  it('a hostile name is made visible', async () => {
    const [found] = await findings('guest-v2', copy => put(copy, QEMU, 525, '', `${S}/a\u202eb`));
    assert.match(found!.sentence(shown), /S\/a\\u\{202e\}b|S\/a\\u202eb|S\/a�b/);
  });

  const silent: Readonly<Record<string, readonly [HostName, HostChange]>> = {
    'a vCPU in emulator, which is vcpu-in-emulator': ['guest-v2', copy => put(copy, QEMU, 530, '', `${S}/emulator`)],
    'a hierarchy that libvirt does not use': ['guest-hybrid', copy => put(copy, HYBRID, 460, 'rdma', '/machine.slice')],
    'a hierarchy that was not enabled there': ['host-v1-libvirt', copy => put(copy, 29142, 29152, 'memory', '/')],
    'a cgroup that was removed under it': ['guest-v2', copy => put(copy, QEMU, 525, '', `${S}/emulator (deleted)`)],
    'a task that has ended': ['guest-v2', copy => {
      put(copy, QEMU, QEMU, '', '/');
      edit(copy, `/proc/${QEMU}/task/${QEMU}/stat`, text => text.replace(') S ', ') Z '));
    }],
    'one that has ended since its stat was read: in the root of all of v1': ['guest-hybrid', copy => edit(copy, `/proc/${HYBRID}/task/460/cgroup`, text => text.replace(/^([1-9]\d*:[^:]*:).*$/gm, '$1/'))],
    'an I/O thread whose group is not there': ['guest-v2', copy => {
      put(copy, QEMU, 525, '', `${S}/emulator`);
      copy.directories.delete(`/sys/fs/cgroup${S}/iothread1`);
    }],
    'a helper of the kernel in a vCPU\'s group': ['host-v1-libvirt', copy => put(copy, 29142, 29172, 'cpu', '/machine/qemu-2-kvmdemo.libvirt-qemu/vcpu3')],
    'a machine in no layout, wherever it is': ['host-v1-libvirt', copy => put(copy, 5819, 5829, 'memory', '/')],
  };
  for (const [name, [host, change]] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findings(host, change), []));

  for (const host of ALL_HOSTS.filter(name => name !== 'guest-hybrid-cpu-offline')) it(`says nothing of ${host}`, async () => assert.deepEqual(await findings(host), []));
});
