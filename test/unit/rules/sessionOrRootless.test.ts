import assert from 'node:assert/strict';
import { sessionOrRootless } from '../../../src/core/rules/sessionOrRootless';
import { REAL_HOSTS } from '../fixtures';
import { findingsOfRule } from './checkRule';
import { read, said } from './said';

const HOST = 'guest-hybrid-no-machined';

describe('session-or-rootless', () => {
  it('a machine that was started in a session: its limits are all others\' too', async () => {
    const found = await findingsOfRule(sessionOrRootless, HOST);
    assert.deepEqual(found.map(({ machine }) => machine.name), ['byhand']);
    assert.deepEqual(said(found), ['information: it is in /user.slice/user-0.slice/session-5.scope, which is a user\'s, and has no cgroup of its own']);
    assert.deepEqual(read(found[0]!), ['/proc/431/task/431/cgroup   cpu,cpuacct:/user.slice/user-0.slice/session-5.scope']);
  });

  it('says nothing when it is put into a unit of the system', async () => {
    assert.deepEqual(await findingsOfRule(sessionOrRootless, HOST, copy => {
      for (const [file, text] of [...copy.files]) if (/^\/proc\/431\/task\/\d+\/cgroup$/.test(file)) copy.files.set(file, text.replaceAll('/user.slice/user-0.slice/session-5.scope', '/system.slice/vm.scope'));
    }), []);
  });
  for (const host of REAL_HOSTS) it(`says nothing of ${host}`, async () => assert.deepEqual(await findingsOfRule(sessionOrRootless, host), []));
});
