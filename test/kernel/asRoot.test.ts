import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, newFolder, required, start } from './support/cleanUp';
import { inPrivateMounts } from './support/collect';

describe('a user who may become root by sudo', () => {
  after(cleanUp);

  // What has become root is in a process group that only root can end.
  it('a plan that is cancelled on this machine goes no step further', async () => {
    const [folder, sudoers] = [newFolder('steps'), join(newFolder('etc'), 'sudoers')];
    chmodSync(folder, 0o777);
    writeFileSync(sudoers, 'root ALL=(ALL:ALL) ALL\nnobody ALL=(ALL:ALL) NOPASSWD: ALL\n', { mode: 0o440 });
    const [command, ...args] = [
      ...inPrivateMounts(`mount --bind ${sudoers} /etc/sudoers`),
      // It reads the compiled tests wherever they are, and may end no process of another user.
      ...[required('setpriv'), '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all,+dac_read_search', '--ambient-caps=-all,+dac_read_search', '--'],
      ...[process.execPath, join(__dirname, 'support/cancelledAsRoot.js'), folder],
    ];
    const child = start(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout!.on('data', chunk => (said += chunk));
    await new Promise(resolve => child.once('close', resolve));
    assert.deepEqual(JSON.parse(said), { user: 65534, states: ['done', 'unknown', 'unknown'], complete: false, files: ['first'] });
  });
});
