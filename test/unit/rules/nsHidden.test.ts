import assert from 'node:assert/strict';
import { nsHidden } from '../../../src/core/rules/nsHidden';
import { QEMU } from '../fixtures';
import { findingsOfRule, put } from './checkRule';
import { read, said } from './said';

describe('ns-hidden', () => {
  it('a machine beside the container of who looks', async () => {
    const found = await findingsOfRule(nsHidden, 'container-ns');
    assert.deepEqual(said(found), ['information: /..S/emulator is outside the cgroup namespace from which this was read (v2)']);
    assert.match(read(found[0]!)[0]!, /^\/proc\/519\/task\/519\/cgroup {3}0::\/\.\.SCOPE\/libvirt\/emulator$/);
  });

  it('says nothing of a cgroup whose name begins with two dots', async () => assert.deepEqual(await findingsOfRule(nsHidden, 'guest-v2', copy => put(copy, QEMU, QEMU, '', '/..hidden')), []));
  it('says nothing of a host as such', async () => assert.deepEqual(await findingsOfRule(nsHidden, 'guest-v2'), []));
});
