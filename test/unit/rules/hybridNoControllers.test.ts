import assert from 'node:assert/strict';
import { hybridNoControllers } from '../../../src/core/rules/hybridNoControllers';
import { put, findingsOfRule } from './checkRule';
import { read, said } from './said';

describe('hybrid-no-controllers', () => {
  it('a v2 path that looks like a placement', async () => {
    const found = await findingsOfRule(hybridNoControllers, 'guest-hybrid');
    assert.deepEqual(said(found).map(text => text.replace(/\/machine.slice\S+/, 'SCOPE')), ['hint: SCOPE (v2) limits nothing: on this host v2 has no controllers']);
    assert.deepEqual(read(found[0]!), ['/proc/450/task/450/cgroup   0::SCOPE', '/sys/fs/cgroup/unified/cgroup.controllers   ']);
  });

  it('says nothing where the path is the root', async () => assert.deepEqual(await findingsOfRule(hybridNoControllers, 'guest-hybrid', copy => put(copy, 450, 450, '', '/')), []));
  for (const host of ['guest-v2', 'guest-legacy', 'host-v1-libvirt'] as const) it(`says nothing of ${host}, whose v2 has controllers or is not there`, async () => assert.deepEqual(await findingsOfRule(hybridNoControllers, host), []));
});
