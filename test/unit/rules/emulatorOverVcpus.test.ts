import assert from 'node:assert/strict';
import { emulatorOverVcpus } from '../../../src/core/rules/emulatorOverVcpus';
import { QEMU, SCOPE, statText } from '../fixtures';
import { type HostChange, edit, findingsOfRule } from './checkRule';
import { type Pins, allow, checked, inPod, sentences, set, stepsOf } from './pins';

const EMULATOR = `/sys/fs/cgroup${SCOPE}/libvirt/emulator`;

const emulatorOn = (cpus: string): HostChange => copy => {
  allow(copy, QEMU, QEMU, cpus);
  for (const file of ['cpuset.cpus', 'cpuset.cpus.effective']) set(copy, `${EMULATOR}/${file}`, cpus);
};

const NONE_LEFT = 'free a CPU for it first: each that it could have is isolated, or vCPUs or I/O threads are pinned to it; then:';

/** Another machine, whose vCPUs are each pinned to one of these. */
const other = (copy: Parameters<HostChange>[0], ...vcpus: readonly number[]): void => {
  const scope = SCOPE.replace('2d1', '2d2').replace('serial', 'other');
  const threads = [['qemu-system-x86', 'emulator', '0-7'], ...vcpus.map((cpu, i) => [`CPU ${i}/KVM`, `vcpu${i}`, String(cpu)])] as const;
  for (const [i, [comm, group, cpus]] of threads.entries()) {
    const task = `/proc/900/task/${900 + i}`;
    copy.files.set(`${task}/stat`, statText(900 + i, comm!, { 22: 31000 }));
    copy.files.set(`${task}/cgroup`, `0::${scope}/libvirt/${group}\n`);
    copy.files.set(`${task}/status`, `Cpus_allowed_list:\t${cpus}\n`);
  }
  copy.files.set('/proc/900/cmdline', 'qemu-system-x86_64\0-name\0guest=other\0');
  copy.links.set('/proc/900/exe', '/usr/bin/qemu-system-x86_64');
};

describe('emulator-over-vcpus', () => {
  it('over an isolated CPU of a vCPU: a warning, with what was read; the fix leaves it the rest', async () => {
    const { model, findings } = await checked(emulatorOverVcpus, 'numa-isolated', emulatorOn('0-2'));
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path), f.threads.map(({ tid }) => tid)]), [['warning', 'the emulator may run on CPU 2, where vCPUs are pinned: vCPU 0', [QEMU]]]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `/proc/${QEMU}/task/${QEMU}/status`, value: 'Cpus_allowed_list: 0-2' },
      { file: `${EMULATOR}/cpuset.cpus`, value: '0-2' },
      { file: `${EMULATOR}/cpuset.cpus.effective`, value: '0-2' },
      { file: `/proc/${QEMU}/task/528/status`, value: 'Cpus_allowed_list: 2' },
      { file: '/sys/devices/system/cpu/isolated', value: '2-7' },
    ]);
    assert.equal(findings[0]!.advice(path => path), 'give it CPUs that no vCPU is pinned to: virsh emulatorpin serial CPUS --live');
    assert.deepEqual(stepsOf(model, findings[0]), ['0-1 > S/emulator/cpuset.cpus']);
  });

  it('where nothing is left of its own, the fix takes what is neither isolated nor a vCPU\'s', async () => {
    const { model, findings } = await checked(emulatorOverVcpus, 'numa-isolated', emulatorOn('2'));
    assert.deepEqual(stepsOf(model, findings[0]), ['0-1 > S/emulator/cpuset.cpus']);
    const full = await checked(emulatorOverVcpus, 'guest-v2');
    assert.deepEqual(full.findings.map(({ fixes, advice }) => [fixes.length, advice(path => path)]), [[0, `${NONE_LEFT} virsh emulatorpin serial CPUS --live`]], 'all CPUs are vCPUs\'');
  });

  it('no fix against libvirt\'s own pin', async () => {
    const { findings } = await checked(emulatorOverVcpus, 'numa-isolated', emulatorOn('0-2'), { emulator: '0-2' });
    assert.deepEqual(findings.map(({ fixes }) => fixes.length), [0]);
  });

  it('no fix by the cpuset of a container or a unit, in which the vCPUs are too', async () => {
    for (const cpus of ['2-3,6-7', '2-4,6-7']) {
      const { findings } = await checked(emulatorOverVcpus, 'numa-isolated', copy => inPod(copy, { cpus }));
      const advice = cpus === '2-3,6-7' ? NONE_LEFT : 'give it CPUs that no vCPU is pinned to:';
      assert.deepEqual(findings.map(finding => [finding.fixes.length, finding.advice(path => path)]), [[0, `${advice} taskset -pc CPUS ${QEMU}`]]);
    }
    assert.deepEqual(await sentences(emulatorOverVcpus, 'numa-isolated', copy => inPod(copy, { cpus: '2-4,6-7', housekeeping: '4' })), []);
  });

  const notIsolated: HostChange = copy => set(copy, '/sys/devices/system/cpu/isolated', '');
  it('the fix leaves I/O threads and the vCPUs of other machines their CPUs; where nothing is left there is none', async () => {
    const fixed = async (change: HostChange, pins?: Pins): Promise<readonly string[]> => {
      const { model, findings } = await checked(emulatorOverVcpus, 'numa-isolated', copy => {
        notIsolated(copy);
        emulatorOn('0-7')(copy);
        change(copy);
      }, pins);
      const finding = findings.find(({ machine }) => machine.name === 'serial')!;
      return finding.fixes.length > 0 ? stepsOf(model, finding) : [finding.advice(path => path)];
    };
    assert.deepEqual(await fixed(() => undefined), ['0-1 > S/emulator/cpuset.cpus'], 'I/O threads have CPUs 4 and 5');
    assert.deepEqual(await fixed(copy => allow(copy, QEMU, 525, '0,4'), { ioThreads: { 1: '0,4' } }), ['1 > S/emulator/cpuset.cpus'], 'one has two of them');
    assert.deepEqual(await fixed(copy => other(copy, 1)), ['0 > S/emulator/cpuset.cpus']);
    assert.deepEqual(await fixed(copy => other(copy, 0, 1)), [`${NONE_LEFT} virsh emulatorpin serial CPUS --live`]);
  });

  it('over the only CPU of one vCPU: information where the emulator has no other, else a hint', async () => {
    const severities = async (cpus: string): Promise<string[]> => (await checked(emulatorOverVcpus, 'numa-isolated', copy => {
      notIsolated(copy);
      emulatorOn(cpus)(copy);
    })).findings.map(({ severity }) => severity);
    assert.deepEqual([await severities('2'), await severities('2,6'), await severities('0-2')], [['information'], ['information'], ['hint']]);
  });

  it('over a CPU that vCPUs share anyhow: a hint, and a warning once one of them waits for it', async () => {
    assert.deepEqual(await sentences(emulatorOverVcpus, 'guest-v2'), ['hint: the emulator may run on CPU 0, where vCPUs are pinned: vCPU 0, vCPU 2']);
    const later: HostChange = copy => {
      edit(copy, '/proc/uptime', () => '810.12 1500.00\n');
      edit(copy, `/proc/${QEMU}/task/530/schedstat`, text => text.replace(/^(\d+) (\d+)/, (_, ran: string, waited: string) => `${ran} ${Number(waited) + 2e9}`));
    };
    assert.deepEqual((await findingsOfRule(emulatorOverVcpus, 'guest-v2', later, () => undefined)).map(({ severity }) => severity), ['warning']);
  });

  const silent: Record<string, HostChange> = {
    'an emulator that is apart': () => undefined,
    'vCPUs that are not pinned one by one': copy => {
      notIsolated(copy);
      emulatorOn('0-7')(copy);
      for (const tid of [528, 529, 530, 531]) allow(copy, QEMU, tid, '0-7');
    },
    'an emulator whose affinity cannot be read': copy => void copy.files.delete(`/proc/${QEMU}/task/${QEMU}/status`),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(emulatorOverVcpus, 'numa-isolated', change), []));

  it('says nothing while the machine starts, and where there is but one CPU', async () => {
    assert.deepEqual(await sentences(emulatorOverVcpus, 'guest-v2-starting'), []);
    assert.deepEqual(await sentences(emulatorOverVcpus, 'guest-v2', copy => set(copy, '/sys/devices/system/cpu/online', '0')), []);
  });
});
