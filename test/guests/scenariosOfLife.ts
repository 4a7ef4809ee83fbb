import assert from 'node:assert/strict';
import { layoutOf } from '../../src/core/layout/layouts';
import type { HostModel } from '../../src/core/model/hostModel';
import { ownThreads } from '../../src/core/model/machines';
import { print } from '../../src/core/placement/print';
import { toPlacement } from '../../src/core/placement/toPlacement';
import { findingsOf } from '../../src/core/rules/allRules';
import type { Finding } from '../../src/core/rules/rule';
import { saveCapture } from './support/captures';
import type { Guest, Mode } from './support/guest';
import { DOMAIN, startDomain } from './support/lab';
import { type Scene, groupOf, plain, scenario, threadOf } from './support/scene';

const MACHINED = '/usr/share/dbus-1/system-services/org.freedesktop.machine1.service';
const RELOAD_BUS = 'busctl -q call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig';

/** How a domain begins, ends, and lives without those who made it. */
export function scenariosOfLife(guest: () => Guest, mode: Mode, healthy: () => string): void {
  const isV2 = mode === 'v2';
  const keys = isV2 ? ['0::'] : ['cpuset', 'cpu,cpuacct'];

  scenario('libvirtd stopped while the domain runs: all is seen as before', guest, healthy, async scene => {
    await scene.make('systemctl -q stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service', 'systemctl start libvirtd && virsh -q domstate serial');
    const { text, findings } = await scene.look();
    assert.equal(plain(text), healthy());
    assert.deepEqual(findings, []);
  });

  scenario('without machined libvirt places the machine alone, and says nothing', guest, healthy, async scene => {
    // libvirt asks the bus whether machined could be started, once in its life: a masked one could, and then no domain starts at all.
    await scene.make(
      `virsh -q destroy serial; mv ${MACHINED} /run/machine1.service && ${RELOAD_BUS} && systemctl -q stop systemd-machined && systemctl restart libvirtd && virsh -q start serial`,
      `virsh -q destroy serial; mv /run/machine1.service ${MACHINED}; ${RELOAD_BUS}; systemctl restart libvirtd; virsh -q start serial; find /sys/fs/cgroup/ -depth -type d -name machine -exec rmdir {} +`,
    );
    const look = await scene.look();
    await saveCapture(guest(), `guest-${mode}-no-machined`, 'systemd-machined was not there when the domain started: libvirt placed it by itself, below /machine.', look.raw);
    assert.equal(look.layout.kind, 'libvirt alone');
    assert.ok(look.rules.includes('no-machined-fallback'), look.rules.join());
    assert.deepEqual(look.findings, []);
    for (const key of keys) {
      const place = threadOf(look.machine, 'vCPU 2').membership.places.get(key)!.path;
      assert.match(place, /^\/machine\/qemu-\d+-serial\.libvirt-qemu\/vcpu2$/);
      assert.equal(look.layout.expectedPath(threadOf(look.machine, 'vCPU 2'), key), place);
    }
    assert.match(plain(look.text), /\/machine\/qemu-\d+-serial\.libvirt-qemu/);
    assert.match(plain(look.text), /vCPU 2 TID CPU 2\/TCG other 0 cpus 0\n/);
    if (!isV2) assert.equal(threadOf(look.machine, 'emulator').membership.places.get('name=systemd')?.path, '/system.slice/libvirtd.service');
  });

  scenario('a domain destroyed while it is looked at: each look is whole, and what is gone is absent', guest, healthy, async scene => {
    for (let round = 0; round < 3; round++) {
      const destroyed = scene.run('sleep 0.$(( $$ % 10 )); virsh -q destroy serial');
      let isOver = false;
      const over = destroyed.finally(() => (isOver = true)).catch(() => undefined);
      for (let last = false; !last; ) {
        last = isOver; // one more look after its end
        const { raw, model, problems } = await guest().look();
        assert.ok(raw.collection.complete);
        assert.deepEqual(problems, []);
        const machine = model.machines.find(({ name }) => name === DOMAIN);
        assert.deepEqual(faultsOf(model).filter(finding => finding.machine === machine), []);
        assert.ok(!last || !machine, 'it is gone');
        for (const thread of machine ? ownThreads(machine) : []) {
          for (const [key, { path, deleted }] of thread.membership.places) {
            const expected = layoutOf(model, machine!).expectedPath(thread, key);
            // A task that has ended is in the root of v1, and in v2 where it was.
            assert.ok(expected === undefined || deleted || path === expected || path === '/', `${thread.comm}: ${key} ${path}`);
          }
        }
      }
      await over;
      await destroyed;
      await startDomain(guest());
    }
  });

  scenario('a domain that starts is seen on its way, and none of it is a fault', guest, healthy, async scene => {
    for (let caught = false, tries = 0; !caught; tries++) {
      assert.ok(tries < 20, 'libvirt was quicker than every look');
      await scene.run('virsh -q destroy serial');
      caught = await watchStart(scene);
    }
  });

  /** Whether a look met the moment in which the vCPUs are there and wait in `emulator`. */
  async function watchStart(scene: Scene): Promise<boolean> {
    let isOver = false;
    const started = startDomain(guest()).finally(() => (isOver = true));
    started.catch(() => undefined); // awaited below
    let caught = false;
    while (!isOver) {
      const { raw, model, problems } = await guest().look();
      assert.deepEqual(problems, []);
      assert.ok(raw.collection.complete);
      const machine = model.machines.find(({ name }) => name === DOMAIN);
      if (!machine) continue;
      assert.deepEqual(faultsOf(model).filter(finding => finding.machine === machine), [], 'a machine that starts has no fault');
      if (machine.state === 'starting') assert.notEqual(layoutOf(model, machine).stage, 'complete');
      const vcpus = machine.threads.filter(({ role }) => role.kind === 'vcpu');
      if (machine.state === 'starting' || vcpus.length === 0 || !keys.every(key => vcpus.every(thread => groupOf(thread, key) === 'emulator'))) continue;
      caught = true;
      const layout = layoutOf(model, machine);
      assert.equal(layout.kind, 'libvirt with systemd');
      assert.equal(layout.stage, 'emulator');
      assert.match(print(toPlacement(model, machine)), /libvirt with systemd, starting: emulator/);
      for (const thread of vcpus) assert.ok(layout.isWaiting(thread));
      for (const thread of vcpus) for (const key of keys) assert.equal(layout.expectedPath(thread, key), undefined);
      await saveCapture(guest(), `guest-${mode}-starting`, 'virsh start has not returned: QEMU runs, and all of its threads are in emulator until libvirt knows which are vCPUs.', raw);
    }
    await started;
    const { machine, findings, layout } = await scene.look();
    assert.deepEqual(findings, []);
    assert.equal(layout.stage, 'complete');
    for (const key of keys) assert.equal(groupOf(threadOf(machine, 'vCPU 3'), key), 'vcpu3');
    return caught;
  }
}

/** What hurts a machine; hints are no faults, and what waits for a CPU comes and goes with the load: firmware that begins runs into its quota. */
function faultsOf(model: HostModel): Finding[] {
  return findingsOf(model).filter(({ severity, rule }) => (severity === 'error' || severity === 'warning') && rule !== 'pressure-high');
}
