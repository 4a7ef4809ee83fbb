import assert from 'node:assert/strict';
import { effectiveLimits } from '../../../src/core/model/limits';
import { type Changeable, type HostName, SCOPE, modelOf } from '../fixtures';

/** `cpus 0 at /a`, one for each limit. */
async function limits(name: HostName, key: string, path: string, change?: (copy: Changeable) => void): Promise<string[]> {
  const { model } = await modelOf(name, change);
  const cgroup = model.hierarchies.find(h => h.key === key)!.cgroups.get(path)!;
  return effectiveLimits(cgroup).map(limit => {
    const value = limit.kind === 'frozen' ? '' : limit.kind === 'quota' ? ` ${limit.effective.quota}/${limit.effective.period}` : ` ${limit.effective}`;
    return `${limit.kind}${value} at ${limit.at.path}`;
  });
}

const VCPU = `${SCOPE}/libvirt/vcpu0`;
const file = (path: string, name: string): string => `/sys/fs/cgroup${path}/${name}`;

describe('what limits a cgroup, and where', () => {
  it('its own values, and those above it', async () => {
    assert.deepEqual(await limits('guest-v2', '0::', VCPU), ['cpus 0 at ' + VCPU, 'quota 50000/100000 at ' + VCPU, `pids 16384 at ${SCOPE}`]);
  });

  it('nothing at the top', async () => assert.deepEqual(await limits('guest-v2', '0::', '/'), []));

  it('an empty cpuset has the limit of the nearest above it that has one', async () => {
    const narrow = (copy: Changeable): void => {
      copy.files.set(file('/machine.slice', 'cpuset.cpus'), '1\n');
      for (const path of ['/machine.slice', SCOPE, `${SCOPE}/libvirt`]) copy.files.set(file(path, 'cpuset.cpus.effective'), '1\n');
    };
    assert.equal((await limits('guest-v2', '0::', `${SCOPE}/libvirt`, narrow))[0], 'cpus 1 at /machine.slice');
  });

  it('where more is asked for than there is, the one that took it away', async () => {
    const narrow = (copy: Changeable): void => {
      copy.files.set(file('/machine.slice', 'cpuset.cpus'), '0\n');
      for (const path of ['/machine.slice', SCOPE, `${SCOPE}/libvirt`]) copy.files.set(file(path, 'cpuset.cpus.effective'), '0\n');
      copy.files.set(file(VCPU, 'cpuset.cpus'), '0-1\n');
    };
    assert.equal((await limits('guest-v2', '0::', VCPU, narrow))[0], 'cpus 0 at /machine.slice');
  });

  it('a tighter quota above counts', async () => {
    const tighter = (copy: Changeable): void => void copy.files.set(file('/machine.slice', 'cpu.max'), '20000 50000\n');
    assert.ok((await limits('guest-v2', '0::', VCPU, tighter)).includes('quota 20000/50000 at /machine.slice'));
  });

  it('frozen above is frozen, where it has to be thawed', async () => {
    const freeze = (copy: Changeable): void => {
      copy.files.set(file('/machine.slice', 'cgroup.freeze'), '1\n');
      copy.files.set(file(SCOPE, 'cgroup.freeze'), '1\n');
    };
    assert.ok((await limits('guest-v2', '0::', VCPU, freeze)).includes('frozen at /machine.slice'));
  });

  it('v1: each hierarchy has its own', async () => {
    assert.deepEqual(await limits('guest-hybrid', 'cpuset', VCPU), ['cpus 0 at ' + VCPU]);
    assert.deepEqual(await limits('guest-hybrid', 'cpu,cpuacct', VCPU), ['quota 50000/100000 at ' + VCPU]);
    assert.deepEqual(await limits('guest-hybrid', 'pids', SCOPE), [`pids 16384 at ${SCOPE}`]);
    assert.deepEqual(await limits('guest-hybrid', 'hugetlb', '/'), []);
  });
});
