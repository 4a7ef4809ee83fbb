import assert from 'node:assert/strict';
import { parseCpuList } from '../../../src/core/parse/cpuList';
import { CheckedHost } from '../../../src/core/rules/checkedHost';
import { v1HotplugShrink } from '../../../src/core/rules/v1HotplugShrink';
import { SCOPE, machine } from '../fixtures';
import { type HostChange, findingsIn } from './checkRule';
import { checked, sentences, set, stepsOf } from './pins';

const OFFLINE = SCOPE.replace('2d1', '2d2');
const TREE = '/sys/fs/cgroup/cpuset';

/** The CPU that was offline is back: only the top cpuset has got it again. */
const back: HostChange = copy => {
  set(copy, '/sys/devices/system/cpu/online', '0-1');
  for (const file of ['cpuset.cpus', 'cpuset.effective_cpus']) set(copy, `${TREE}/${file}`, '0-1');
};
const restored = (...paths: string[]): HostChange => copy => {
  back(copy);
  for (const path of paths) for (const file of ['cpuset.cpus', 'cpuset.effective_cpus']) set(copy, `${TREE}${path}/${file}`, '0-1');
};

describe('v1-hotplug-shrink', () => {
  it('the directory of all machines has lost the CPU: said once, with what was read, and what to write', async () => {
    const { findings } = await checked(v1HotplugShrink, 'guest-hybrid-cpu-offline', back);
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path), f.threads.map(({ tid }) => tid), f.fixes.length]), [
      ['warning', 'CPU 1 is online, and /machine.slice has not got it: it has CPU 0', [1221, 1223, 1217], 0],
    ]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `${TREE}/cpuset.cpus`, value: '0-1' },
      { file: `${TREE}/machine.slice/cpuset.cpus`, value: '0' },
      { file: '/sys/devices/system/cpu/online', value: '0-1' },
    ]);
    assert.equal(findings[0]!.advice(path => path), 'write 0-1 to cpuset.cpus of /machine.slice, then of each cgroup below it, from above downwards; that is all that is online, for no pin of libvirt\'s is known: leave out what it was not to have');
  });

  it('the machine\'s own directory is put right by the fix', async () => {
    const { model, findings } = await checked(v1HotplugShrink, 'guest-hybrid-cpu-offline', restored('/machine.slice'));
    assert.deepEqual(stepsOf(model, findings[0]), [`0-1 > ${OFFLINE}/cpuset.cpus`]);
  });

  it('libvirt\'s pin tells it as well as an empty group', async () => {
    assert.deepEqual(await sentences(v1HotplugShrink, 'guest-hybrid', copy => {
      for (const path of ['/machine.slice', SCOPE, `${SCOPE}/libvirt`]) set(copy, `${TREE}${path}/cpuset.cpus`, '0');
    }, { vcpus: { 1: '1' } }), ['warning: CPU 1 is online, and /machine.slice has not got it: it has CPU 0']);
  });

  it('where pins are known it is given what they name, and no CPU that it was meant not to have', async () => {
    const kept = (...lost: readonly string[]): HostChange => copy => {
      for (const file of ['online', 'possible']) set(copy, `/sys/devices/system/cpu/${file}`, '0-7');
      for (const file of ['cpuset.cpus', 'cpuset.effective_cpus']) copy.files.set(`${TREE}/${file}`, '0-7\n');
      for (const path of ['/machine.slice', OFFLINE, `${OFFLINE}/libvirt`]) copy.files.set(`${TREE}${path}/cpuset.cpus`, lost.includes(path) ? '0\n' : '0-1\n');
    };
    const slice = await checked(v1HotplugShrink, 'guest-hybrid-cpu-offline', kept('/machine.slice', OFFLINE, `${OFFLINE}/libvirt`), { vcpus: { 1: '1', 3: '1' } });
    assert.deepEqual(slice.findings.map(f => [f.sentence(path => path), f.advice(path => path)]), [
      ['CPU 1 is online, and /machine.slice has not got it: it has CPU 0', 'write 0-1 to cpuset.cpus of /machine.slice, then of each cgroup below it, from above downwards'],
    ]);
    const own = await checked(v1HotplugShrink, 'guest-hybrid-cpu-offline', kept(OFFLINE, `${OFFLINE}/libvirt`), { vcpus: { 1: '1', 3: '1' } });
    assert.deepEqual(own.findings.map(finding => stepsOf(own.model, finding)), [[`0-1 > ${OFFLINE}/cpuset.cpus`]]);
  });

  it('the directory of all machines is given what any of them has lost: one machine\'s command takes nothing from another', async () => {
    const { model } = await checked(v1HotplugShrink, 'guest-hybrid-cpu-offline', copy => {
      for (const file of ['online', 'possible']) set(copy, `/sys/devices/system/cpu/${file}`, '0-7');
      for (const file of ['cpuset.cpus', 'cpuset.effective_cpus']) set(copy, `${TREE}/${file}`, '0-7');
    }, { vcpus: { 1: '1' } });
    const one = machine(model, 'serial');
    const other = { ...one, libvirt: { ...one.libvirt!, vcpuPins: new Map([[1, parseCpuList('2')!]]) } };
    const findings = findingsIn(v1HotplugShrink, new CheckedHost({ ...model, machines: [one, other] }, undefined), true);
    assert.deepEqual(findings.map(f => [f.sentence(path => path), f.advice(path => path)]), [1, 2].map(cpu => [
      `CPU ${cpu} is online, and /machine.slice has not got it: it has CPU 0`, 'write 0-2 to cpuset.cpus of /machine.slice, then of each cgroup below it, from above downwards',
    ]));
  });

  const silent: Record<string, HostChange> = {
    'a CPU that still is offline': () => undefined,
    'cpusets above that have it again: what is empty is another rule\'s': restored('/machine.slice', OFFLINE, `${OFFLINE}/libvirt`),
    'a machine whose directory somebody keeps from a CPU: nothing tells that it had it': copy => {
      back(copy);
      for (const group of ['vcpu1', 'vcpu3', 'iothread1']) for (const file of ['cpuset.cpus', 'cpuset.effective_cpus']) set(copy, `${TREE}${OFFLINE}/libvirt/${group}/${file}`, '0');
    },
    'a top cpuset that cannot be read': copy => {
      back(copy);
      copy.files.delete(`${TREE}/cpuset.cpus`);
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(v1HotplugShrink, 'guest-hybrid-cpu-offline', change), []));
});
