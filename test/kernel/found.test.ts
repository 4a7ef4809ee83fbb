import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, readlinkSync, renameSync, unlinkSync } from 'node:fs';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp, newFolder, required } from './support/cleanUp';
import { cgroupOf, collectModel, collectThrough, machineOf, placesIn } from './support/collect';
import { helper, imitation } from './support/helper';
import { type Qemu, startQemu } from './support/qemu';
import { placesOf, run, statusOf, tidsOf } from './support/readers';

describe('how a QEMU is found', () => {
  after(cleanUp);

  it('by its executable, whatever its first argument says', async () => {
    const qemu = await startQemu({ name: 'vm1', machine: 'none', argv0: 'vm1' });
    assert.ok(readFileSync(`/proc/${qemu.pid}/cmdline`, 'latin1').startsWith('vm1\0'));
    const { name, uuid, emulator } = machineOf((await collectModel()).model, qemu.pid);
    assert.deepEqual({ name, uuid, emulator }, { name: 'vm1', uuid: qemu.uuid, emulator: 'qemu-system-x86_64' });
  });

  it('by its executable, deleted or replaced while it runs', async () => {
    const executable = helper('qemu-system-x86_64');
    const pid = await imitation(executable, 'vm2', ['-name', 'guest=upgraded']);
    copyFileSync(executable, `${executable}.new`);
    renameSync(`${executable}.new`, executable);
    assert.equal(readlinkSync(`/proc/${pid}/exe`), `${executable} (deleted)`);
    assert.equal(machineOf((await collectModel()).model, pid).emulator, 'qemu-system-x86_64');
    unlinkSync(executable);
    assert.equal(machineOf((await collectModel()).model, pid).name, 'upgraded');
  });

  it('by its first argument, where its executable has another name', async () => {
    const pid = await imitation(helper('.qemu-wrapped'), '/opt/bin/qemu-kvm', ['-name', 'wrapped']);
    assert.equal(machineOf((await collectModel()).model, pid).name, 'wrapped');
  });

  it('not by another argument', async () => {
    const { model } = await collectModel();
    assert.ok(!model.machines.some(m => m.pid === process.pid));
    const qemu = await startQemu({ name: 'not-this', machine: 'none', through: [required('env'), '-u', 'LANG'] });
    const outer = await startQemu({ name: 'nor-that', machine: 'none', through: [required('unshare'), '--pid', '--fork', '--kill-child', '--mount-proc'] });
    const machines = (await collectModel()).model.machines;
    assert.ok(machines.some(m => m.pid === qemu.pid), 'env has become QEMU');
    assert.ok(!machines.some(m => m.pid === outer.pid), 'unshare has QEMU as its child');
  });

  it('in a PID namespace of its own, by the numbers it has here', async () => {
    const outer = await startQemu({ name: 'contained', vcpus: 2, through: [required('unshare'), '--pid', '--fork', '--kill-child', '--mount-proc'] });
    const pid = Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').trim());
    const threads = machineOf((await collectModel()).model, pid).threads.filter(t => t.pid === pid);
    assert.deepEqual(threads.map(t => t.tid).sort((a, b) => a - b), tidsOf(pid));
    // QEMU counts in its own namespace: the last number of NSpid.
    const inner = (tid: number): number => Number(statusOf(pid, tid, 'NSpid').split('\t').at(-1));
    const vcpus = threads.filter(t => t.role.kind === 'vcpu').map(t => [t.role.id, inner(t.tid)]);
    assert.deepEqual(Object.fromEntries(vcpus), await outer.qmp.vcpus());
  });
});

describe('seen from inside a cgroup namespace', () => {
  let inside: Qemu;
  let beside: Qemu;
  let home: readonly OwnCgroup[];
  let deep: OwnCgroup;

  before(async () => {
    inside = await startQemu({ name: 'inside', machine: 'none' });
    beside = await startQemu({ name: 'beside', machine: 'none' });
    home = ['cpu', '0::'].map(controller => makeCgroup(controller, 'namespace', 'home'));
    deep = makeCgroup('cpu', 'namespace', 'home', 'deep').write('cpu.shares', 555);
    for (const cgroup of [deep, makeCgroup('0::', 'namespace', 'home', 'deep')]) cgroup.addProcess(inside.pid);
    for (const controller of ['cpu', '0::']) makeCgroup(controller, 'namespace', 'beside').addProcess(beside.pid);
  });
  after(cleanUp);

  /** In a cgroup namespace whose root is `home`, after these commands. */
  const within = (commands = ':'): string[] => {
    const enter = home.map(cgroup => `echo $$ >${cgroup.directory.toString()}/cgroup.procs`).join('\n');
    return ['sh', '-c', `set -e\n${enter}\nexec "$@"`, 'sh', required('unshare'), '--cgroup', '-m', '--propagation', 'private', 'sh', '-c', `set -e\n${commands}\nexec "$@"`, 'sh'];
  };
  /** What cat shows there. */
  const placesThere = (pid: number): string[] => {
    const [command, ...rest] = within();
    return run(command!, ...rest, 'cat', `/proc/${pid}/task/${pid}/cgroup`).trimEnd().split('\n').map(line => line.slice(line.indexOf(':') + 1)).sort();
  };

  it('paths are those that /proc shows there, also above its root', async () => {
    const { model } = await collectThrough(within());
    for (const qemu of [inside, beside]) {
      const [leader] = machineOf(model, qemu.pid).threads;
      const places = Object.entries(placesIn(leader!)).map(([key, path]) => `${key === '0::' ? '' : key}:${path}`);
      assert.deepEqual(places.sort(), placesThere(qemu.pid));
    }
    const paths = (qemu: Qemu): unknown[] => ['cpu', '0::'].map(key => machineOf(model, qemu.pid).threads[0]!.membership.places.get(key)?.path);
    assert.deepEqual([paths(inside), paths(beside)], [['/deep', '/deep'], ['/../beside', '/../beside']]);
    assert.equal(placesOf(beside.pid, beside.pid)['cpu'], makeCgroup('cpu', 'namespace', 'beside').path, 'it is elsewhere for those outside');
  });

  it('with hierarchies mounted there: values of what is below its root, and none of what is not', async () => {
    const mounts = newFolder('mounts with space\tand tab');
    const commands = [
      `mkdir "${mounts}/cpu" "${mounts}/v2"`,
      `mount -t cgroup -o cpu none "${mounts}/cpu"`,
      `mount -t cgroup2 none "${mounts}/v2"`,
    ];
    const { model } = await collectThrough(within(commands.join('\n')));
    const places = (qemu: Qemu): ReadonlyMap<string, { path: string; cgroup: unknown }> => machineOf(model, qemu.pid).threads[0]!.membership.places;
    assert.deepEqual(['cpu', '0::'].map(key => places(inside).get(key)?.path), ['/deep', '/deep']);
    const found = cgroupOf(model, 'cpu', '/deep');
    assert.deepEqual([found.directory, found.shares, found.parent?.path], [`${mounts}/cpu/deep`, 555, '/']);
    assert.equal(cgroupOf(model, '0::', '/deep').type, 'domain');
    const outside = cgroupOf(model, 'cpu', '/../beside');
    assert.deepEqual([outside.directory, outside.shares, outside.parent], [undefined, undefined, undefined]);
  });
});
