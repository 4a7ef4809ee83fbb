import assert from 'node:assert/strict';
import { vcpusShareCpu } from '../../../src/core/rules/vcpusShareCpu';
import { type Changeable, QEMU, addProcess, statText } from '../fixtures';
import { type HostChange, edit, findingsOfRule } from './checkRule';
import { allow, checked, sentences, set } from './pins';

/** A second machine, of one vCPU. */
function addMachine(copy: Changeable, pid: number, name: string, cpus: string): void {
  addProcess(copy, pid, { comm: 'qemu', exe: '/usr/bin/qemu-system-x86_64', argv: ['/usr/bin/qemu-system-x86_64', '-name', name], cgroup: '0::/other\n' });
  const task = `/proc/${pid}/task/${pid + 1}`;
  copy.files.set(`${task}/stat`, statText(pid + 1, 'CPU 0/KVM', { 4: 1, 22: 5000 }));
  copy.files.set(`${task}/cgroup`, '0::/other\n');
  copy.files.set(`${task}/status`, `Cpus_allowed_list:\t${cpus}\n`);
}

const other = (cpus: string): HostChange => copy => addMachine(copy, 9000, 'o\nther', cpus);

describe('vcpus-share-cpu', () => {
  it('of one machine, where nothing is isolated: a hint, with what was read', async () => {
    const { findings } = await checked(vcpusShareCpu, 'guest-v2');
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path), f.threads.map(({ tid }) => tid)]), [
      ['hint', 'vCPU 0, vCPU 2 may run only on CPU 0', [528, 530]],
      ['hint', 'vCPU 1, vCPU 3 may run only on CPU 1', [529, 531]],
    ]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `/proc/${QEMU}/task/528/status`, value: 'Cpus_allowed_list: 0' },
      { file: `/proc/${QEMU}/task/530/status`, value: 'Cpus_allowed_list: 0' },
    ]);
    assert.deepEqual(findings[0]!.fixes, []);
  });

  it('of two machines on an isolated CPU: a warning at each, which names the other', async () => {
    assert.deepEqual(await sentences(vcpusShareCpu, 'numa-isolated', other('3')), [
      'warning: vCPU 0 may run only on CPU 3, as vCPU 2 of serial; it is isolated',
      String.raw`warning: vCPU 2 may run only on CPU 3, as vCPU 0 of o\nther; it is isolated`,
    ]);
  });

  it('of two machines on the threads of one core: no fault of the pins, but good to know', async () => {
    const change: HostChange = copy => {
      allow(copy, QEMU, 530, '0-1'); // leaves CPU 3 alone
      other('3')(copy);
    };
    assert.deepEqual(await sentences(vcpusShareCpu, 'numa-isolated', change), [
      'information: vCPU 0 may run only on the core of CPUs 3,7, as vCPU 3 of serial; it is isolated',
      String.raw`information: vCPU 3 may run only on the core of CPUs 3,7, as vCPU 0 of o\nther; it is isolated`,
    ]);
    assert.deepEqual((await checked(vcpusShareCpu, 'numa-isolated', copy => {
      change(copy);
      set(copy, '/sys/devices/system/cpu/isolated', '');
      set(copy, '/sys/devices/system/cpu/nohz_full', '');
    })).findings.map(({ severity }) => severity), ['hint', 'hint']);
  });

  it('on a CPU without a tick, which is set apart too', async () => {
    const { findings } = await checked(vcpusShareCpu, 'numa-isolated', copy => {
      other('3')(copy);
      set(copy, '/sys/devices/system/cpu/isolated', '');
    });
    assert.deepEqual(findings.map(({ severity, sentence }) => `${severity}: ${sentence(path => path)}`)[0], 'warning: vCPU 0 may run only on CPU 3, as vCPU 2 of serial; it is nohz_full');
    assert.deepEqual(findings[0]!.evidence.at(-1), { file: '/sys/devices/system/cpu/nohz_full', value: '2-7' });
  });

  it('of two machines that have a CPU for each vCPU by libvirt: information, and a hint of one that was pinned otherwise', async () => {
    const severities = async (vcpus: Readonly<Record<number, string>>): Promise<string[]> => (await checked(vcpusShareCpu, 'numa-isolated', copy => {
      addMachine(copy, 9000, 'other', '3');
      const task = '/proc/9000/task/9002';
      copy.files.set(`${task}/stat`, statText(9002, 'CPU 1/KVM', { 4: 1, 22: 5000 }));
      copy.files.set(`${task}/cgroup`, '0::/other\n');
      copy.files.set(`${task}/status`, 'Cpus_allowed_list:\t0\n');
      for (const file of ['isolated', 'nohz_full']) set(copy, `/sys/devices/system/cpu/${file}`, '');
    }, { vcpus })).findings.map(({ severity }) => severity);
    assert.deepEqual(await severities({ 0: '3', 1: '0', 2: '2', 3: '7' }), ['information', 'information']);
    assert.deepEqual(await severities({ 0: '3', 1: '0', 2: '0', 3: '7' }), ['hint', 'hint']);
    assert.deepEqual(await severities({ 0: '3', 1: '0-1' }), ['hint', 'hint']);
  });

  it('one that waits for the CPU makes it a warning', async () => {
    const later = (nanoseconds: number): HostChange => copy => {
      edit(copy, '/proc/uptime', () => '810.12 1500.00\n');
      edit(copy, `/proc/${QEMU}/task/530/schedstat`, text => text.replace(/^(\d+) (\d+)/, (_, ran: string, waited: string) => `${ran} ${Number(waited) + nanoseconds}`));
    };
    const severities = async (nanoseconds: number): Promise<string[]> => (await findingsOfRule(vcpusShareCpu, 'guest-v2', later(nanoseconds), () => undefined)).map(({ severity }) => severity);
    assert.deepEqual(await severities(2e9), ['warning', 'hint']);
    assert.deepEqual(await severities(4e8), ['hint', 'hint']);
  });

  it('many others: some are named, all are counted, and it costs no more', async () => {
    const { findings } = await checked(vcpusShareCpu, 'numa-isolated', copy => {
      for (let n = 0; n < 20; n++) addMachine(copy, 9000 + 10 * n, `m${n}`, '3');
    });
    assert.equal(findings.at(-1)!.sentence(path => path), 'vCPU 2 may run only on CPU 3, as vCPU 0 of m0, vCPU 0 of m1, vCPU 0 of m2 and 17 more; it is isolated');
  });

  const silent: Record<string, HostChange> = {
    'the threads of one core within a machine: so is a guest given cores with threads': () => undefined,
    'another machine on CPUs of its own': other('0'),
    'another machine that may run elsewhere too': other('3-4'),
    'an affinity that cannot be read': copy => {
      other('3')(copy);
      copy.files.delete('/proc/9000/task/9001/status');
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(vcpusShareCpu, 'numa-isolated', change), []));

  it('says nothing while a machine starts, and where there is but one CPU', async () => {
    assert.deepEqual(await sentences(vcpusShareCpu, 'guest-v2-starting'), []);
    assert.deepEqual(await sentences(vcpusShareCpu, 'guest-v2', copy => set(copy, '/sys/devices/system/cpu/online', '0')), []);
  });
});
