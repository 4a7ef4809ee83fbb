import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HiddenTasks } from '../../src/core/model/hostModel';
import { makeCgroup } from './support/cgroups';
import { PREFIX, cleanUp, newFolder, required, start } from './support/cleanUp';
import { type Collected, asNobody, collectModel, collectThrough, inPrivateMounts, machineOf, placesIn, problemsBelow } from './support/collect';
import { type Qemu, startQemu } from './support/qemu';
import { placesOf, tidsOf } from './support/readers';

const SCOPE = String.raw`machine-qemu\x2d1\x2dserial.scope`;
const ours = ({ model }: Collected): readonly HiddenTasks[] => model.hidden.filter(h => h.scope.startsWith(`/${PREFIX}/`));

describe('a /proc that hides other users\' processes', () => {
  let qemu: Qemu;
  before(async () => {
    qemu = await startQemu({ name: 'serial', vcpus: 2 });
    makeCgroup('pids', SCOPE).addProcess(qemu.pid);
    makeCgroup('cpu', SCOPE, 'libvirt', 'emulator').addProcess(qemu.pid);
    makeCgroup('cpu', SCOPE, 'libvirt', 'vcpu0').addThread((await qemu.qmp.vcpus())['0']!);
  });
  after(cleanUp);

  for (const hidepid of [1, 2]) {
    const hiding = inPrivateMounts(`mount -t proc -o hidepid=${hidepid} proc /proc`);

    it(`hidepid=${hidepid}, a user without rights: its tasks are hidden ones of its scope, and there is no such machine`, async () => {
      const collected = await collectThrough([...hiding, ...asNobody()]);
      assert.ok(!collected.model.machines.some(m => m.pid === qemu.pid));
      assert.equal(collected.model.collection.hides, true);
      assert.deepEqual(ours(collected).map(({ name, scope }) => ({ name, scope })), [{ name: 'serial', scope: `/${PREFIX}/${SCOPE}` }]);
      assert.deepEqual(ours(collected)[0]!.tids, tidsOf(qemu.pid));
    });

    it(`hidepid=${hidepid}, root: a machine like any other`, async () => {
      const collected = await collectThrough(hiding);
      const machine = machineOf(collected.model, qemu.pid);
      assert.equal(collected.model.collection.hides, false);
      assert.deepEqual(machine.threads.filter(t => t.pid === qemu.pid).map(t => t.tid).sort((a, b) => a - b), tidsOf(qemu.pid));
      assert.deepEqual(ours(collected), []);
      assert.deepEqual(problemsBelow(collected, [qemu.pid], PREFIX), []);
    });
  }

  it('a /proc that hides nothing: a machine for everybody', async () => {
    const collected = await collectThrough(asNobody());
    assert.equal(machineOf(collected.model, qemu.pid).name, 'serial');
    assert.equal(collected.model.collection.hides, false);
    assert.deepEqual(ours(collected), []);
  });
});

describe('a machine that starts', () => {
  const NEXT = String.raw`machine-qemu\x2d12\x2dweb\x2dserver.scope`;
  let child: number;
  let manager: number;
  before(() => {
    // libvirtd's forked child is libvirtd still: the same file, until it executes QEMU.
    const libvirtd = join(newFolder('sbin'), 'libvirtd');
    copyFileSync(required('sleep'), libvirtd);
    manager = start(libvirtd, ['1000']).pid;
    child = start(libvirtd, ['1000']).pid;
    makeCgroup('cpu', NEXT, 'libvirt', 'emulator').addProcess(child);
    makeCgroup('cpu', 'libvirtd.service').addProcess(manager);
  });
  after(cleanUp);

  it('libvirt\'s child in a machine\'s scope is one, and has the scope\'s name', async () => {
    for (const through of [[], asNobody()]) {
      const { model } = await collectThrough(through);
      const { name, state, emulator, threads } = machineOf(model, child);
      assert.deepEqual({ name, state, emulator }, { name: 'web-server', state: 'starting', emulator: 'libvirtd' });
      assert.deepEqual(threads.map(t => [t.tid, t.role.kind, placesIn(t)]), [[child, 'emulator', placesOf(child, child)]]);
    }
  });

  it('libvirt itself, outside any scope, is none', async () => {
    const { model } = await collectModel();
    assert.ok(!model.machines.some(m => m.pid === manager));
  });

  it('a machine that is there is not shown as starting', async () => {
    const qemu = await startQemu({ name: 'web-server', machine: 'none' });
    makeCgroup('cpu', NEXT, 'libvirt', 'emulator').addProcess(qemu.pid);
    assert.equal(machineOf((await collectModel()).model, qemu.pid).state, 'running');
  });
});
