import assert from 'node:assert/strict';
import type { HostModel, Machine } from '../../../src/core/model/hostModel';
import { findMachine, ownThreads } from '../../../src/core/model/machines';
import { type Changeable, LIBVIRTD, QEMU, SCOPE, addProcess, machine, modelOf } from '../fixtures';

const EMULATOR = `0::${SCOPE}/libvirt/emulator\n`;

async function serial(change: (raw: Changeable) => void): Promise<Machine> {
  return machine((await modelOf('guest-v2', change)).model, 'serial');
}

function names(model: HostModel): string[] {
  return model.machines.map(m => m.name);
}

function cmdline(...args: string[]) {
  return (raw: Changeable): void => void raw.files.set(`/proc/${QEMU}/cmdline`, args.map(arg => `${arg}\0`).join(''));
}

describe('a machine is found', () => {
  it('by its executable where its first argument is odd', async () => {
    const found = await serial(cmdline('my vm', '-name', 'serial'));
    assert.deepEqual([found.emulator, found.state, found.threads.length], ['qemu-system-x86_64', 'running', 9]);
  });

  it('by its first argument where its executable may not be read', async () => {
    const found = await serial(raw => {
      raw.links.delete(`/proc/${QEMU}/exe`);
      raw.errors.set(`/proc/${QEMU}/exe`, 'EACCES');
    });
    assert.deepEqual([found.emulator, found.state], ['qemu-system-x86_64', 'running']);
  });

  it('by its executable that an upgrade has replaced under it', async () => {
    const found = await serial(raw => raw.links.set(`/proc/${QEMU}/exe`, '/usr/bin/qemu-system-x86_64 (deleted)'));
    assert.equal(found.emulator, 'qemu-system-x86_64');
  });

  it('by the name of RHEL, and of Debian and Proxmox VE', async () => {
    for (const exe of ['/usr/libexec/qemu-kvm', '/usr/bin/kvm']) {
      const found = await serial(raw => raw.links.set(`/proc/${QEMU}/exe`, exe));
      assert.equal(found.emulator, exe.replace(/.*\//, ''));
    }
  });

  it('not in a program that only names QEMU in an argument', async () => {
    const { model } = await modelOf('guest-v2', raw =>
      addProcess(raw, 900, { comm: 'vim', cgroup: '0::/user.slice\n', exe: '/usr/bin/vim', argv: ['vim', '/usr/bin/qemu-system-x86_64'] }),
    );
    assert.deepEqual(names(model), ['serial']);
  });
});

describe("a machine's name", () => {
  it('is what the command line says, else what its cgroup says, else its UUID, else its PID', async () => {
    const name = async (change: (raw: Changeable) => void): Promise<string> => (await modelOf('guest-v2', change)).model.machines[0]!.name;
    const elsewhere = (raw: Changeable): void => raw.files.forEach((_, path) => path.startsWith(`/proc/${QEMU}/task/`) && path.endsWith('/cgroup') && raw.files.set(path, '0::/user.slice\n'));
    assert.equal(await name(cmdline('qemu-kvm', '-name', 'guest=other')), 'other');
    assert.equal(await name(cmdline('qemu-kvm')), 'serial');
    assert.equal(await name(raw => (elsewhere(raw), cmdline('qemu-kvm', '-uuid', '1-2')(raw))), '1-2');
    assert.equal(await name(raw => (elsewhere(raw), cmdline('qemu-kvm')(raw))), `PID ${QEMU}`);
  });

  it('orders the machines of a host by number where they have one, and two of one name by PID', async () => {
    const add = (raw: Changeable, pid: number, name: string): void => addProcess(raw, pid, { comm: 'kvm', cgroup: '0::/\n', exe: '/usr/bin/kvm', argv: ['kvm', '-name', name] });
    const { model } = await modelOf('guest-v2', raw => {
      add(raw, 903, 'vm10');
      add(raw, 902, 'vm2');
      add(raw, 901, 'vm10');
    });
    assert.deepEqual(model.machines.map(m => `${m.name} ${m.pid}`), ['serial 519', 'vm2 902', 'vm10 901', 'vm10 903']);
  });

  it('is not its key: a process keeps its key, another with the same PID has another', async () => {
    const { model } = await modelOf('guest-v2');
    const before = model.machines[0]!;
    const renamed = (await modelOf('guest-v2', cmdline('qemu-kvm', '-name', 'x'))).model;
    assert.equal(findMachine(renamed, before.key)?.name, 'x');
    const stat = `/proc/${QEMU}/task/${QEMU}/stat`;
    const again = (await modelOf('guest-v2', raw => raw.files.set(stat, raw.files.get(stat)!.replace(' 31477 ', ' 99999 ')))).model;
    assert.equal(findMachine(again, before.key), undefined);
    assert.equal(findMachine(undefined, before.key), undefined);
  });
});

describe('libvirtd', () => {
  it('is no machine', async () => assert.deepEqual(names((await modelOf('guest-v2')).model), ['serial']));

  it('is none either where its executable may not be read', async () => {
    const { model } = await modelOf('guest-v2', raw => raw.links.delete(`/proc/${LIBVIRTD}/exe`));
    assert.deepEqual(names(model), ['serial']);
  });

  it('has a child in a scope: a machine that starts, with the name of the scope and the comm of its father', async () => {
    const scope = String.raw`/machine.slice/machine-qemu\x2d2\x2dgr\xc3\xb6\xc3\x9fe.scope`;
    const { model } = await modelOf('guest-v2', raw =>
      addProcess(raw, 950, { comm: 'rpc-libvirtd', cgroup: `0::${scope}\n`, exe: '/usr/sbin/libvirtd', argv: ['/usr/sbin/libvirtd'], ppid: LIBVIRTD }),
    );
    const starting = machine(model, 'größe');
    assert.deepEqual([starting.state, starting.pid, starting.threads.map(t => t.role.kind)], ['starting', 950, ['emulator']]);
  });

  it('has one of which only some controllers have followed: it starts too', async () => {
    const { model } = await modelOf('guest-hybrid', raw => {
      const where = raw.files.get('/proc/397/task/397/cgroup')!.replace(/^(1:name=systemd):.*$/m, String.raw`$1:/machine.slice/machine-qemu\x2dweb.scope`);
      addProcess(raw, 950, { comm: 'rpc-libvirtd', cgroup: where, exe: '/usr/sbin/virtqemud (deleted)', argv: ['virtqemud'], ppid: 397 });
    });
    assert.equal(machine(model, 'web').state, 'starting');
  });

  it('has one that is not placed yet: nothing to show', async () => {
    const { model } = await modelOf('guest-v2', raw =>
      addProcess(raw, 950, { comm: 'rpc-libvirtd', cgroup: '0::/system.slice/libvirtd.service\n', exe: '/usr/sbin/libvirtd', argv: ['/usr/sbin/libvirtd'], ppid: LIBVIRTD }),
    );
    assert.deepEqual(names(model), ['serial']);
  });
});

describe('what belongs to a machine but is no task of it', () => {
  const roles = (of: Machine): string[] => of.threads.filter(t => t.pid !== of.pid).map(t => `${t.role.kind} ${t.role.id ?? '-'} ${t.tid} ${t.role.knownBy}`);

  it('is its vhost threads before Linux 6.4, its PIT and its recovery of huge pages, by the PID in their names', async () => {
    const found = await serial(raw => {
      addProcess(raw, 801, { comm: `vhost-${QEMU}`, cgroup: EMULATOR, flags: 0x208040 });
      addProcess(raw, 802, { comm: `kvm-pit/${QEMU}`, cgroup: '0::/\n', flags: 0x208040 });
      addProcess(raw, 803, { comm: `kvm-nx-lpage-recovery-${QEMU}`, cgroup: '0::/\n', flags: 0x208040 });
    });
    assert.deepEqual(roles(found), ['vhost - 801 kernel', 'kernel - 802 kernel', 'kernel - 803 kernel']);
    assert.equal(ownThreads(found).length, 9);
    assert.equal(found.threads.at(-1)!.membership.places.get('0::')?.path, '/');
  });

  it('is not what belongs to another machine, or is called so but has arguments', async () => {
    const found = await serial(raw => {
      addProcess(raw, 801, { comm: 'vhost-7', cgroup: EMULATOR, flags: 0x208040 });
      addProcess(raw, 802, { comm: `vhost-${QEMU}`, cgroup: EMULATOR, argv: ['sh'] });
      addProcess(raw, 803, { comm: `vhost-${QEMU}0`, cgroup: EMULATOR, flags: 0x208040 });
    });
    assert.deepEqual(roles(found), []);
  });

  it('is a helper in its scope, or a child of it elsewhere', async () => {
    const found = await serial(raw => {
      addProcess(raw, 810, { comm: 'virtiofsd', cgroup: `0::${SCOPE}/libvirt/emulator\n`, exe: '/usr/libexec/virtiofsd', argv: ['/usr/libexec/virtiofsd'] });
      addProcess(raw, 811, { comm: 'swtpm', cgroup: '0::/system.slice\n', exe: '/usr/bin/swtpm', argv: ['swtpm'], ppid: QEMU });
      addProcess(raw, 812, { comm: 'vhost-user-gpu', cgroup: `0::${SCOPE}\n`, argv: ['/usr/libexec/vhost-user-gpu'] });
    });
    assert.deepEqual(roles(found), ['helper virtiofsd 810 command line', 'helper swtpm 811 command line', 'helper vhost-user-gpu 812 command line']);
  });

  it('is not a helper of another machine, nor a daemon that helps nobody', async () => {
    const { model } = await modelOf('guest-v2', raw => {
      addProcess(raw, 820, { comm: 'virtiofsd', cgroup: `0::${SCOPE.replace('serial', 'other')}\n`, exe: '/usr/libexec/virtiofsd', argv: ['virtiofsd'] });
      addProcess(raw, 821, { comm: 'virtiofsd', cgroup: '0::/system.slice/x\n', exe: '/usr/libexec/virtiofsd', argv: ['virtiofsd'] });
    });
    assert.deepEqual(names(model), ['serial']);
    assert.deepEqual(roles(machine(model, 'serial')), []);
  });
});
