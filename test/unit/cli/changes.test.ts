import assert from 'node:assert/strict';
import { ArgumentError, type ChangeArguments, changesOfArguments, machineNamed } from '../../../src/cli/changes';
import { commandOf } from '../../../src/cli/findingsText';
import { parseCpuList } from '../../../src/core/parse/cpuList';
import type { Change } from '../../../src/core/plan/plan';
import { type HostName, SCOPE, machine, modelOf } from '../fixtures';

const LIBVIRT = `${SCOPE}/libvirt`;

async function changesOf(wanted: ChangeArguments, host: HostName = 'guest-hybrid'): Promise<Change[]> {
  const { model } = await modelOf(host);
  return changesOfArguments(model, machine(model, 'serial'), wanted);
}

const where = (changes: readonly Change[]): string[] => changes.map(change => ('path' in change ? `${change.kind} ${change.hierarchy} ${change.path}` : change.kind === 'move' ? `move ${change.hierarchy} ${change.to}` : change.kind));

describe('changes that the command line names', () => {
  it('a cgroup is made beside the other groups of threads, and nowhere else', async () => {
    assert.deepEqual(where(await changesOf({ make: ['S/mine'] })), [`make cpu,cpuacct ${LIBVIRT}/mine`, `make cpuset ${LIBVIRT}/mine`]);
    assert.deepEqual(where(await changesOf({ make: ['S/mine'], hierarchy: ['blkio'] })), [`make blkio ${LIBVIRT}/mine`]);
    await assert.rejects(changesOf({ make: ['S/emulator/a/b'] }), /in which hierarchy should "S\/emulator\/a\/b" be made\? .*--hierarchy: .*cpuset/);
  });

  it('what is made can be moved to', async () => {
    assert.deepEqual(where(await changesOf({ make: ['S/mine'], move: ['vcpu2=S/mine'] })).slice(2), [`move cpu,cpuacct ${LIBVIRT}/mine`, `move cpuset ${LIBVIRT}/mine`]);
  });

  it('S/.. is what a placement document calls so', async () => {
    assert.deepEqual(where(await changesOf({ set: ['S/../pids.max=100'], hierarchy: ['pids'] })), [`set pids ${SCOPE}`]);
    await assert.rejects(changesOf({ set: [`S${'/..'.repeat(9)}/pids.max=100`] }), ArgumentError);
  });

  it('all that restores the layout, and others besides', async () => {
    assert.deepEqual(where(await changesOf({ 'restore-layout': true }, 'misplaced-vcpus')), [`move cpu,cpuacct ${LIBVIRT}/vcpu2`, `move cpu,cpuacct ${LIBVIRT}/vcpu3`, `move cpuset ${LIBVIRT}/vcpu3`, 'pin']);
    assert.deepEqual(where(await changesOf({ 'restore-layout': true, pin: ['vcpu2=0'] }, 'misplaced-vcpus')).slice(4), ['pin']);
    assert.deepEqual(await changesOf({ 'restore-layout': true }), []);
  });

  it('none at all is said to be none', async () => {
    await assert.rejects(changesOf({}), /what is to be changed\? Name at least one of --restore-layout, --move/);
    await assert.rejects(changesOf({ hierarchy: ['cpuset'] }), ArgumentError);
  });
});

describe('a machine that the command line names', () => {
  it('one that is called like another\'s PID, and the other: each has a name', async () => {
    const { model } = await modelOf('host-v1-libvirt', copy => {
      for (const [path, text] of copy.files) if (path.endsWith('/cmdline')) copy.files.set(path, text.replace('guest=hybrid-tcg,', 'guest=29142,'));
    });
    const [called, kvmdemo] = [machine(model, '29142'), machine(model, 'kvmdemo')];
    assert.deepEqual([called.pid, kvmdemo.pid], [5819, 29142]);
    assert.equal(machineNamed(model, '29142'), kvmdemo);
    assert.equal(machineNamed(model, '5819'), called);
    for (const one of model.machines) {
      const changes = (): Change[] => [{ kind: 'pin', thread: one.threads[0]!, cpus: parseCpuList('1')! }];
      const command = commandOf(model, one, { title: () => '', changes }, path => path, [])!;
      assert.equal(machineNamed(model, command[2]!), one, command.join(' '));
    }
  });

  it('of two with one name none is taken', async () => {
    const { model } = await modelOf('host-v1-libvirt', copy => {
      for (const [path, text] of copy.files) if (path.endsWith('/cmdline')) copy.files.set(path, text.replace('guest=hybrid-tcg,', 'guest=kvmdemo,'));
    });
    assert.throws(() => machineNamed(model, 'kvmdemo'), /"kvmdemo" is 2 machines; name one by its PID: 5819, 29142/);
  });
});
