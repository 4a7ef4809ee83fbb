import assert from 'node:assert/strict';
import { subtreeControlStripped } from '../../../src/core/rules/subtreeControlStripped';
import { type Changeable, SCOPE } from '../fixtures';
import { type HostChange, edit, findingsOfRule } from './checkRule';
import { read, said } from './said';

const CGROUPS = '/sys/fs/cgroup';

/** As the kernel shows it: a controller goes from a cgroup's list, and from all below it, with its files. */
function strip(copy: Changeable, path: string, controller: string): void {
  const without = (text: string): string => text.split(/\s+/).filter(word => word !== controller && word !== '').join(' ') + '\n';
  const top = `${CGROUPS}${path === '/' ? '' : path}`;
  edit(copy, `${top}/cgroup.subtree_control`, without);
  for (const [file, text] of copy.files) {
    if (!file.startsWith(`${top}/`) || file.lastIndexOf('/') === top.length) continue;
    if (/\/cgroup\.(controllers|subtree_control)$/.test(file)) copy.files.set(file, without(text));
    else if (file.slice(file.lastIndexOf('/') + 1).startsWith(`${controller}.`)) copy.files.delete(file);
  }
}

const stripped = (path: string, controller = 'cpuset'): HostChange => copy => strip(copy, path, controller);

describe('subtree-control-stripped', () => {
  it('cpuset, taken away from a slice and so from all of libvirt\'s groups', async () => {
    const found = await findingsOfRule(subtreeControlStripped, 'guest-v2', stripped('/machine.slice'));
    assert.deepEqual(said(found), ['warning: /machine.slice does not hand down cpuset: the groups in S are without it']);
    assert.deepEqual(read(found[0]!), [
      '/sys/fs/cgroup/machine.slice/cgroup.controllers   cpuset cpu io memory pids',
      '/sys/fs/cgroup/machine.slice/cgroup.subtree_control   cpu io memory pids',
    ]);
  });

  it('from the root, and cpu from the scope', async () => {
    assert.deepEqual(said(await findingsOfRule(subtreeControlStripped, 'guest-v2', stripped('/'))), ['warning: / does not hand down cpuset: the groups in S are without it']);
    assert.deepEqual(said(await findingsOfRule(subtreeControlStripped, 'guest-v2', stripped(`${SCOPE}/libvirt`, 'cpu'))), ['warning: S does not hand down cpu: the groups in S are without it']);
  });

  it('what to do: who owns the cgroup gives it, systemd or libvirt', async () => {
    const advice = async (path: string): Promise<string> => (await findingsOfRule(subtreeControlStripped, 'guest-v2', stripped(path)))[0]!.advice(shown => shown);
    assert.match(await advice('/machine.slice'), /^have a unit of systemd ask for cpuset below \/machine.slice /);
    assert.equal(await advice(`${SCOPE}/libvirt`), 'see that libvirt may use cpuset (cgroup_controllers in qemu.conf), and start the machine anew');
  });

  it('information where nobody knows of CPUs that libvirt has set', async () => {
    assert.deepEqual((await findingsOfRule(subtreeControlStripped, 'guest-v2', copy => {
      strip(copy, '/machine.slice', 'cpuset');
      copy.files.delete('/run/libvirt/qemu/serial.xml');
    })).map(({ severity }) => severity), ['information']);
  });

  it('says nothing of a service of one\'s own, whose slice hands down none', async () => {
    assert.deepEqual(await findingsOfRule(subtreeControlStripped, 'guest-v2-threaded-under-unit', copy => strip(copy, '/system.slice', 'cpuset')), []);
  });

  const silent: Record<string, HostChange> = {
    'a neighbour that is without it': stripped('/system.slice', 'memory'),
    'a controller that libvirt does not use': stripped('/machine.slice', 'io'),
    'a kernel without it': copy => {
      strip(copy, '/', 'cpuset');
      edit(copy, `${CGROUPS}/cgroup.controllers`, text => text.replace('cpuset ', ''));
    },
    'a list that cannot be read': copy => {
      strip(copy, '/machine.slice', 'cpuset');
      copy.files.delete(`${CGROUPS}/machine.slice/cgroup.subtree_control`);
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(subtreeControlStripped, 'guest-v2', change), []));
});
