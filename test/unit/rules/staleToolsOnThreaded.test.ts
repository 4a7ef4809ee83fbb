import assert from 'node:assert/strict';
import { staleToolsOnThreaded } from '../../../src/core/rules/staleToolsOnThreaded';
import { SCOPE } from '../fixtures';
import { edit, findingsOfRule } from './checkRule';
import { read, said } from './said';

describe('stale-tools-on-threaded', () => {
  it('a hint at every machine with groups of threads in v2', async () => {
    const found = await findingsOfRule(staleToolsOnThreaded, 'guest-v2');
    assert.deepEqual(said(found), ['hint: cgroup.procs cannot be read in groups of threads: systemctl status may say "Operation not supported" or "Input/output error"']);
    assert.deepEqual(read(found[0]!), ['/sys/fs/cgroupSCOPE/libvirt/emulator/cgroup.type   threaded']);
  });

  it('says nothing of a machine in v1', async () => assert.deepEqual(await findingsOfRule(staleToolsOnThreaded, 'guest-hybrid'), []));
  it('says nothing where PID 1 is not systemd', async () => assert.deepEqual(await findingsOfRule(staleToolsOnThreaded, 'guest-v2', copy => edit(copy, '/proc/1/comm', () => 'init\n')), []));
  it('says nothing of a machine in one domain', async () => {
    assert.deepEqual(await findingsOfRule(staleToolsOnThreaded, 'guest-v2', copy => {
      for (const file of [...copy.files.keys()]) if (file.startsWith(`/sys/fs/cgroup${SCOPE}/libvirt/`) && file.endsWith('/cgroup.type')) copy.files.set(file, 'domain\n');
    }), []);
  });
});
