import assert from 'node:assert/strict';
import { v1EmptyCpuset } from '../../../src/core/rules/v1EmptyCpuset';
import { SCOPE } from '../fixtures';
import type { HostChange } from './checkRule';
import { checked, sentences, set, stepsOf } from './pins';

const OFFLINE = SCOPE.replace('2d1', '2d2');
const GROUPS = `/sys/fs/cgroup/cpuset${SCOPE}/libvirt`;
const short = (path: string): string => path.replace(`${OFFLINE}/libvirt`, 'S');

describe('v1-empty-cpuset', () => {
  it('a CPU that went offline: each group that lost its last, with what was read; filled and its thread moved', async () => {
    const { model, findings } = await checked(v1EmptyCpuset, 'guest-hybrid-cpu-offline');
    assert.deepEqual(findings.map(f => `${f.severity}: ${f.sentence(short)}`), [
      'warning: S/vcpu1, made for vCPU 1, has no CPU',
      'warning: S/vcpu3, made for vCPU 3, has no CPU',
      'warning: S/iothread1, made for I/O thread iothread1, has no CPU',
    ]);
    const directory = `/sys/fs/cgroup/cpuset${OFFLINE}/libvirt`;
    assert.deepEqual(findings[0]!.evidence, [
      { file: `${directory}/vcpu1/cpuset.cpus`, value: '' },
      { file: `${directory}/vcpu1/cpuset.mems`, value: '0' },
      { file: `${directory}/cpuset.cpus`, value: '0' },
      { file: `${directory}/cpuset.mems`, value: '0' },
      { file: '/sys/devices/system/cpu/online', value: '0' },
    ]);
    assert.deepEqual(stepsOf(model, findings[0]).map(short), ['0 > S/vcpu1/cpuset.cpus', 'move 1221 to S/vcpu1']);
  });

  it('memory nodes too; filled with libvirt\'s pin, where that can be had', async () => {
    const change: HostChange = copy => {
      for (const file of ['cpuset.cpus', 'cpuset.mems', 'cpuset.effective_cpus', 'cpuset.effective_mems']) set(copy, `${GROUPS}/vcpu1/${file}`, '');
      copy.files.set('/proc/450/task/459/cgroup', copy.files.get('/proc/450/task/459/cgroup')!.replace(/(cpuset:.*)\/vcpu1/, '$1'));
    };
    const { model, findings } = await checked(v1EmptyCpuset, 'guest-hybrid', change, { vcpus: { 1: '1' } });
    assert.deepEqual(findings.map(f => f.sentence(path => path.replace(`${SCOPE}/libvirt`, 'S'))), ['S/vcpu1, made for vCPU 1, has no CPU, no memory node']);
    assert.deepEqual(stepsOf(model, findings[0]), ['1 > S/vcpu1/cpuset.cpus', '0 > S/vcpu1/cpuset.mems', 'move 459 to S/vcpu1']);
  });

  const silent: Record<string, HostChange> = {
    'groups that have CPUs': () => undefined,
    'a group whose CPUs cannot be read': copy => void copy.files.delete(`${GROUPS}/vcpu1/cpuset.cpus`),
    'an empty cpuset that was made for nobody': copy => {
      copy.directories.add(`${GROUPS}/vcpu9`);
      for (const file of ['cpuset.cpus', 'cpuset.mems']) copy.files.set(`${GROUPS}/vcpu9/${file}`, '\n');
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(v1EmptyCpuset, 'guest-hybrid', change), []));

  it('says nothing in v2, where what is empty is inherited', async () => assert.deepEqual(await sentences(v1EmptyCpuset, 'guest-v2', copy => set(copy, `/sys/fs/cgroup${SCOPE}/libvirt/vcpu1/cpuset.cpus`, '')), []));
});
