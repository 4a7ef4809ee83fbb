import assert from 'node:assert/strict';
import { domainInvalid } from '../../../src/core/rules/domainInvalid';
import { type Changeable, QEMU, SCOPE } from '../fixtures';
import { type HostChange, findingsOfRule, put } from './checkRule';
import { planned, read, said } from './said';

const LIBVIRT = `${SCOPE}/libvirt`;

/** As the kernel makes it below a thread root. */
function make(copy: Changeable, path: string): void {
  const directory = `/sys/fs/cgroup${path}`;
  for (const file of [...copy.files.keys()]) if (file.startsWith(`${directory}/`)) copy.files.delete(file);
  copy.directories.add(directory);
  for (const [file, text] of [['type', 'domain invalid'], ['controllers', 'cpuset cpu'], ['subtree_control', ''], ['events', 'populated 0\nfrozen 0'], ['freeze', '0']] as const) copy.files.set(`${directory}/cgroup.${file}`, `${text}\n`);
}

describe('domain-invalid', () => {
  it('a cgroup that was made in libvirt\'s own and not made threaded', async () => {
    const found = await findingsOfRule(domainInvalid, 'guest-v2', copy => make(copy, `${LIBVIRT}/mine`));
    assert.deepEqual(said(found), ['information: S/mine is in a threaded domain and not threaded itself: it can hold nothing']);
    assert.deepEqual(read(found[0]!), ['/sys/fs/cgroupSCOPE/libvirt/mine/cgroup.type   domain invalid']);
  });

  it('the group of a vCPU: the fix makes it threaded and moves the vCPU there', async () => {
    const change: HostChange = copy => {
      make(copy, `${LIBVIRT}/vcpu2`);
      put(copy, QEMU, 530, '', `${LIBVIRT}/emulator`);
    };
    const found = await findingsOfRule(domainInvalid, 'guest-v2', change);
    assert.deepEqual(said(found), ['warning: S/vcpu2 is in a threaded domain and not threaded itself: it can hold nothing [Make S/vcpu2 threaded, and move its thread there]']);
    assert.deepEqual(await planned('guest-v2', change, found[0]!), ['threaded to cgroup.type of S/vcpu2', '530 to cgroup.threads of S/vcpu2']);
  });

  it('of what is below one nothing more is said', async () => {
    assert.equal((await findingsOfRule(domainInvalid, 'guest-v2', copy => ['mine', 'mine/too'].forEach(name => make(copy, `${LIBVIRT}/${name}`)))).length, 1);
  });

  it('says nothing of one outside the machine\'s own', async () => assert.deepEqual(await findingsOfRule(domainInvalid, 'guest-v2', copy => make(copy, '/system.slice/other')), []));
  it('says nothing of one whose type cannot be read', async () => assert.deepEqual(await findingsOfRule(domainInvalid, 'guest-v2', copy => {
    make(copy, `${LIBVIRT}/mine`);
    copy.files.delete(`/sys/fs/cgroup${LIBVIRT}/mine/cgroup.type`);
  }), []));
});
