import assert from 'node:assert/strict';
import fc from 'fast-check';
import { redact } from '../../../src/core/capture/redact';
import { ALL_HOSTS, type Changeable, type HostName, QEMU, SCOPE, emptySnapshot, machine, model, modelOf, snapshot, thread } from '../fixtures';
import { hostileText } from '../capture/snapshots';
import { modelText } from './modelText';

const VCPU0 = `/proc/${QEMU}/task/528`;

describe('what went away while it was read', () => {
  it('is a thread: its stat is there, the rest is not', async () => {
    const { model: host, problems } = await modelOf('guest-v2', raw => {
      for (const file of ['status', 'schedstat', 'cgroup']) {
        raw.files.delete(`${VCPU0}/${file}`);
        raw.errors.set(`${VCPU0}/${file}`, 'ESRCH');
      }
    });
    const vcpu0 = thread(machine(host, 'serial'), 528);
    assert.deepEqual([vcpu0.cpusAllowed, vcpu0.runDelay, vcpu0.runTime, vcpu0.membership.places.size], [undefined, undefined, undefined, 0]);
    assert.equal(vcpu0.role.kind, 'vcpu');
    assert.deepEqual(problems, []);
  });

  it('is a thread: nothing of it is there', async () => {
    const { model: host, problems } = await modelOf('guest-v2', raw => {
      for (const path of raw.files.keys()) if (path.startsWith(`${VCPU0}/`)) raw.files.delete(path);
      raw.errors.set(`${VCPU0}/stat`, 'ENOENT');
    });
    assert.deepEqual(machine(host, 'serial').threads.filter(t => t.role.kind === 'vcpu').map(t => t.role.id), ['1', '2', '3']);
    assert.deepEqual(problems, []);
  });

  it('is a process: its leader is gone, so there is no machine any more', async () => {
    const { model: host, problems } = await modelOf('guest-v2', raw => raw.files.delete(`/proc/${QEMU}/task/${QEMU}/stat`));
    assert.deepEqual(host.machines, []);
    assert.deepEqual(problems, []);
  });

  it('is the command line of a zombie: the machine is shown by its executable or its cgroup', async () => {
    const { model: host } = await modelOf('guest-v2', raw => {
      raw.files.set(`/proc/${QEMU}/cmdline`, '');
      raw.files.delete(`/proc/${QEMU}/status`);
    });
    assert.deepEqual([machine(host, 'serial').uuid, machine(host, 'serial').uid], [undefined, undefined]);
  });

  it('is a cgroup under a dying task: its path is known, and that it was removed', async () => {
    const path = `${SCOPE}/libvirt/vcpu9`;
    const { model: host } = await modelOf('guest-v2', raw => raw.files.set(`${VCPU0}/cgroup`, `0::${path} (deleted)\n`));
    assert.deepEqual(thread(machine(host, 'serial'), 528).membership.places.get('0::'), { path, deleted: true, cgroup: undefined });
    assert.ok(!host.hierarchies[0]!.cgroups.has(path), 'there is no such cgroup any more');
  });

  it('is a cgroup that a thread has left: not visited, so without values', async () => {
    const { model: host, problems } = await modelOf('guest-v2', raw => raw.files.set(`${VCPU0}/cgroup`, '0::/new/a\n'));
    const { cgroup } = thread(machine(host, 'serial'), 528).membership.places.get('0::')!;
    assert.deepEqual([cgroup?.directory, cgroup?.cpus, cgroup?.parent?.path, cgroup?.parent?.parent?.path], ['/sys/fs/cgroup/new/a', undefined, '/new', '/']);
    assert.deepEqual(problems, []);
  });
});

describe('what could not be read', () => {
  it('is a problem with its path where it is forbidden or odd, and none where it went away', async () => {
    const { problems } = await modelOf('guest-v2', raw => {
      raw.errors.set('/proc/1/a', 'EACCES').set('/proc/1/b', 'EIO').set('/proc/1/c', 'EUNKNOWN').set('/proc/1/d', 'ENOENT').set('/proc/1/e', 'ESRCH').set('/proc/1/f', 'ENODEV');
    });
    assert.deepEqual(problems.map(p => `${p.path} ${p.errno}`), ['/proc/1/a EACCES', '/proc/1/b EIO', '/proc/1/c EUNKNOWN']);
  });

  it('is a stat that broke off, or that is of another task: a problem, and the others are there', async () => {
    for (const broken of ['528 (CPU 0/TCG) R 1 518', '', '529 (CPU 0/TCG) R 1 518 518 0']) {
      const { model: host, problems } = await modelOf('guest-v2', raw => raw.files.set(`${VCPU0}/stat`, broken));
      assert.deepEqual(problems, [{ path: `${VCPU0}/stat`, errno: 'unexpected content' }]);
      assert.equal(machine(host, 'serial').threads.length, 8);
    }
  });
});

describe('tasks that /proc hides', () => {
  const hide = (raw: Changeable, directory: string, tids: readonly number[]): void => {
    raw.directories.add(directory);
    raw.files.set(`${directory}/cgroup.threads`, `${tids.join('\n')}\n`);
    for (const tid of tids) raw.errors.set(`/proc/${tid}/stat`, 'EACCES');
  };

  it('are listed with the name and the directory of their machine', async () => {
    const { model: host } = await modelOf('guest-v2', raw => {
      hide(raw, `/sys/fs/cgroup${SCOPE.replace('serial', 'other')}/libvirt/emulator`, [700]);
      hide(raw, `/sys/fs/cgroup${SCOPE.replace('serial', 'other')}/libvirt/vcpu0`, [702, 701]);
    });
    assert.deepEqual(host.hidden, [{ hierarchy: '0::', scope: SCOPE.replace('serial', 'other'), name: 'other', tids: [700, 701, 702] }]);
  });

  it('are said once, by the hierarchy that knows most of them', async () => {
    const { model: host } = await modelOf('host-v1-libvirt', raw => {
      for (const [mount, file, tids] of [['cpuset', 'tasks', [700, 701]], ['cpu', 'tasks', [700, 701, 702]], ['blkio', 'tasks', [700]]] as const) {
        const directory = `/sys/fs/cgroup/${mount}/machine/qemu-9-web.libvirt-qemu`;
        raw.files.set(`${directory}/${file}`, tids.join('\n'));
        for (const tid of tids) raw.errors.set(`/proc/${tid}/stat`, 'EACCES');
      }
    });
    assert.deepEqual(host.hidden, [{ hierarchy: 'cpu', scope: '/machine/qemu-9-web.libvirt-qemu', name: 'web', tids: [700, 701, 702] }]);
  });

  it('are none where the task is shown, or where the cgroup is no machine', async () => {
    const { model: host } = await modelOf('guest-v2', raw => {
      hide(raw, '/sys/fs/cgroup/system.slice/x.service', [700]);
      raw.files.set(`/sys/fs/cgroup${SCOPE}/cgroup.threads`, `${QEMU}\nx\n`);
    });
    assert.deepEqual(host.hidden, []);
  });
});

describe('a model', () => {
  it('of nothing is a model', async () => {
    const { model: host, problems } = await model(emptySnapshot());
    assert.deepEqual([host.mode, host.machines, host.hierarchies, host.kernel, host.uptime, problems], ['none', [], [], '', undefined, []]);
  });

  const random = fc.oneof(
    hostileText,
    fc.constantFrom('', '\n', '-1\n', '99999999999999999999\n', 'max\n', '0::/a/b\n', '1:cpu:/\n0::/\n', '1:a,name=b,name=c:/x\n', '0:::/../..\n', '31 22 0:26 / / rw - cgroup2 c rw\n', '31 22 0:26 /.. /sys/fs/cgroup rw - cgroup c rw,cpu,name=\n', '519 (x) R 1 2\n', 'cpu\t1\t1\t1\n'),
  );

  it('is always built, whatever stands in the files and which are missing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<HostName>(...ALL_HOSTS),
        fc.array(fc.tuple(fc.nat({ max: 5000 }), fc.constantFrom('replace', 'delete', 'cut', 'swap', 'link', 'error', 'forget'), random, fc.nat({ max: 400 })), { maxLength: 12 }),
        async (name, changes) => {
          const raw = snapshot(name, copy => {
            for (const [n, what, text, at] of changes) mutate(copy, n, what, text, at);
          });
          const { model: host, problems } = await model(raw);
          assert.ok(modelText(host, problems).length > 0);
          await model(redact(raw).snapshot);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** One random change to a file, link or directory of a real host. */
function mutate(raw: Changeable, n: number, what: string, text: string, at: number): void {
  const paths = [...raw.files.keys()];
  const path = paths[n % paths.length]!;
  const content = raw.files.get(path)!;
  if (what === 'replace') raw.files.set(path, text);
  else if (what === 'delete') raw.files.delete(path);
  else if (what === 'cut') raw.files.set(path, content.slice(0, at) + text + content.slice(at + 1));
  else if (what === 'swap') raw.files.set(path, raw.files.get(paths[(n + at) % paths.length]!)!);
  else if (what === 'link') raw.links.set(`/proc/${QEMU}/exe`, text);
  else if (what === 'error') raw.errors.set(path, 'EACCES');
  else raw.directories.delete([...raw.directories][n % raw.directories.size] ?? '');
}
