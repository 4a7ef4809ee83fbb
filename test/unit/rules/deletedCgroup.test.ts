import assert from 'node:assert/strict';
import { deletedCgroup } from '../../../src/core/rules/deletedCgroup';
import { QEMU, SCOPE } from '../fixtures';
import { findingsOfRule, put } from './checkRule';
import { read, said } from './said';

describe('deleted-cgroup', () => {
  it('a thread whose cgroup was removed', async () => {
    const found = await findingsOfRule(deletedCgroup, 'guest-v2', copy => put(copy, QEMU, 530, '', `${SCOPE}/libvirt/vcpu2 (deleted)`));
    assert.deepEqual(said(found), ['hint: vCPU 2 (530) was in S/vcpu2 (v2), which was removed']);
    assert.deepEqual(read(found[0]!), ['/proc/519/task/530/cgroup   0::SCOPE/libvirt/vcpu2 (deleted)']);
  });

  it('says nothing of one that is merely called so elsewhere in its name', async () => assert.deepEqual(await findingsOfRule(deletedCgroup, 'guest-v2', copy => put(copy, QEMU, 530, '', '/a (deleted) b')), []));
  it('says nothing where every cgroup is there', async () => assert.deepEqual(await findingsOfRule(deletedCgroup, 'guest-v2'), []));
});
