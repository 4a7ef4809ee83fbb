import assert from 'node:assert/strict';
import { sharesTooBig } from '../../../src/core/rules/sharesTooBig';
import { SCOPE } from '../fixtures';
import { type HostChange, findingsOfRule } from './checkRule';
import { read, said } from './said';

const shares = (path: string, value: number): HostChange => copy => void copy.files.set(`/sys/fs/cgroup/cpu,cpuacct${path}/cpu.shares`, `${value}\n`);

describe('shares-too-big', () => {
  it('a machine whose shares v2 would not take', async () => {
    const found = await findingsOfRule(sharesTooBig, 'guest-hybrid', shares(SCOPE, 16384));
    assert.deepEqual(said(found).map(text => text.replace(SCOPE, 'SCOPE')), ['hint: SCOPE has 16384 CPU shares, and v2 takes a weight of at most 10000']);
    assert.deepEqual(read(found[0]!), ['/sys/fs/cgroup/cpu,cpuacctSCOPE/cpu.shares   16384']);
  });

  it('says nothing of 10000', async () => assert.deepEqual(await findingsOfRule(sharesTooBig, 'guest-hybrid', shares(SCOPE, 10000)), []));
  it('says nothing of a slice, whose weight libvirt does not set', async () => assert.deepEqual(await findingsOfRule(sharesTooBig, 'guest-hybrid', shares('/machine.slice', 20480)), []));
  it('says nothing of a machine in v2', async () => assert.deepEqual(await findingsOfRule(sharesTooBig, 'guest-v2'), []));
});
