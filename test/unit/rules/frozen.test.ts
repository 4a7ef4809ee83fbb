import assert from 'node:assert/strict';
import { frozen } from '../../../src/core/rules/frozen';
import { type Changeable, SCOPE } from '../fixtures';
import { type HostChange, edit, findingsOfRule } from './checkRule';
import { planned, read, said } from './said';

const CGROUPS = '/sys/fs/cgroup';
const freeze = (path: string): HostChange => copy => edit(copy, `${CGROUPS}${path}/cgroup.freeze`, () => '1\n');

/** As v1 hands it down: all at or below it read FROZEN, itself tells that it was the one. */
function freezeV1(copy: Changeable, path: string): void {
  const top = `${CGROUPS}/freezer${path}`;
  for (const file of copy.files.keys()) if (file.startsWith(`${top}/`) && file.endsWith('/freezer.state')) copy.files.set(file, 'FROZEN\n');
  copy.files.set(`${top}/freezer.state`, 'FROZEN\n');
  copy.files.set(`${top}/freezer.self_freezing`, '1\n');
}

describe('frozen', () => {
  it('v2: the machine\'s own cgroup, thawed by its fix', async () => {
    const found = await findingsOfRule(frozen, 'guest-v2', freeze(`${SCOPE}/libvirt`));
    assert.deepEqual(said(found), ['error: S is frozen [Thaw S]']);
    assert.deepEqual(read(found[0]!), ['/sys/fs/cgroupSCOPE/libvirt/cgroup.freeze   1']);
    assert.equal(found[0]!.threads.length, 9);
    assert.deepEqual(await planned('guest-v2', freeze(`${SCOPE}/libvirt`), found[0]!), ['0 to cgroup.freeze of S']);
  });

  it('frozen twice: one finding, thawed twice', async () => {
    const twice: HostChange = copy => [`${SCOPE}/libvirt`, `${SCOPE}/libvirt/vcpu0`].forEach(path => freeze(path)(copy));
    const found = await findingsOfRule(frozen, 'guest-v2', twice);
    assert.deepEqual(said(found), ['error: S is frozen [Thaw S]']);
    assert.deepEqual(await planned('guest-v2', twice, found[0]!), ['0 to cgroup.freeze of S', '0 to cgroup.freeze of S/vcpu0']);
  });

  it('one vCPU alone', async () => {
    assert.deepEqual((await findingsOfRule(frozen, 'guest-v2', freeze(`${SCOPE}/libvirt/vcpu3`))).map(({ threads }) => threads.map(({ tid }) => tid)), [[531]]);
  });

  it('a whole slice: said, and left to its administrator', async () => {
    assert.deepEqual(said(await findingsOfRule(frozen, 'guest-v2', freeze('/machine.slice'))), ['error: /machine.slice is frozen']);
  });

  it('v1: that which was frozen itself, not what it is handed down to', async () => {
    const found = await findingsOfRule(frozen, 'guest-hybrid', copy => freezeV1(copy, SCOPE));
    assert.deepEqual(said(found).map(text => text.replace(SCOPE, 'SCOPE').replaceAll(SCOPE, 'SCOPE')), ['error: SCOPE is frozen [Thaw SCOPE]']);
    assert.deepEqual((await planned('guest-hybrid', copy => freezeV1(copy, SCOPE), found[0]!)).map(step => step.replace(SCOPE, 'SCOPE')), ['THAWED to freezer.state of SCOPE']);
  });

  it('says nothing of a neighbour that is frozen', async () => assert.deepEqual(await findingsOfRule(frozen, 'guest-v2', freeze('/system.slice/libvirtd.service')), []));
  it('says nothing where it cannot be read', async () => assert.deepEqual(await findingsOfRule(frozen, 'guest-v2', copy => void copy.files.delete(`${CGROUPS}${SCOPE}/libvirt/cgroup.freeze`)), []));
});
