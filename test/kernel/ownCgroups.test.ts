import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { parseCapture, printCapture } from '../../src/core/capture/format';
import { redact } from '../../src/core/capture/redact';
import type { HostModel } from '../../src/core/model/hostModel';
import { isWithin, machineSubtree } from '../../src/core/model/subtree';
import { decodeBytes } from '../../src/core/parse/bytes';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp } from './support/cleanUp';
import { cgroupOf, collectModel, collectThrough, machineOf, modelOf } from './support/collect';
import { CGROUP_NAMES } from './support/hostile';
import { type Qemu, startQemu } from './support/qemu';
import { awks, withTools } from './support/tools';

/** A machine's own cgroups are read also where no thread is: one may be moved there. */
describe('cgroups of a machine without a thread in them', () => {
  const CONTROLLERS = ['cpu', 'cpuset', 'pids', '0::'];
  /** Machine → the directory that is its own, below the tests' own. */
  const own: [name: string, directory: string[]][] = [
    ['libvirt', [String.raw`machine-qemu\x2d1\x2dlibvirt.scope`]],
    ['alone', ['machine', 'qemu-1-alone.libvirt-qemu']],
    ['service', ["it's a b.service"]],
    ['pod', ['kubepods', 'burstable', 'pod01234567-89ab', '0f1e']],
    ['hand', ['hand']],
  ];
  const qemus = new Map<string, Qemu>();
  /** Not all of them hold threads, and none of these do. */
  const empty: OwnCgroup[] = [];

  before(async () => {
    for (const [name, directory] of own) {
      const qemu = await startQemu({ name, machine: 'none' });
      qemus.set(name, qemu);
      for (const controller of CONTROLLERS) {
        makeCgroup(controller, ...directory, 'libvirt').addProcess(qemu.pid);
        empty.push(makeCgroup(controller, ...directory, 'libvirt', 'vcpu2'), ...CGROUP_NAMES.map(hostile => makeCgroup(controller, ...directory, 'libvirt', hostile, "it's")));
      }
      // By hand nothing tells where its own begins, but for where its threads are.
      makeCgroup('cpu', 'not-its-own');
    }
  });
  after(cleanUp);

  function check(model: HostModel): void {
    let found = 0;
    for (const [name, directory] of own) {
      const machine = machineOf(model, qemus.get(name)!.pid);
      for (const controller of CONTROLLERS) {
        const { key, path, directory: onDisk } = makeCgroup(controller, ...directory, ...(name === 'hand' ? ['libvirt'] : []));
        assert.equal(machineSubtree(model, machine, key), path);
        const read = [...model.hierarchies.find(h => h.key === key)!.cgroups.keys()].filter(other => isWithin(other, path));
        const there = directoriesBelow(onDisk).map(below => path + below);
        assert.deepEqual(read.sort(), there.sort(), `${controller} of ${name}`);
        found += there.length;
      }
    }
    assert.ok(found > empty.length);
    for (const cgroup of empty.filter(({ controller }) => controller === 'cpuset')) assert.ok(cgroupOf(model, cgroup.key, cgroup.path).cpus, `${cgroup.path} has no CPUs`);
    const cpu = model.hierarchies.find(h => h.key === makeCgroup('cpu').key)!;
    assert.ok(!cpu.cgroups.has(makeCgroup('cpu', 'not-its-own').path), 'what belongs to no machine is not looked for');
  }

  it('are all read, and nothing else', async () => check((await collectModel()).model));

  it('are in a capture, too', async () => {
    const { raw } = await collectModel();
    check((await modelOf(parseCapture(printCapture(redact(raw).snapshot)).snapshot)).model);
  });

  for (const awk of awks()) {
    for (const tools of ['GNU', 'busybox'] as const) {
      it(`by ${awk} and ${tools} tools`, async () => {
        const { raw, model } = await collectThrough(withTools('dash', awk, tools));
        check(model);
        assert.deepEqual(raw.collection.remarks, []);
      });
    }
  }
});

/** The directory itself, and all below it, relative to it. */
function directoriesBelow(directory: Buffer): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, encoding: 'buffer' });
  return ['', ...entries.filter(entry => entry.isDirectory()).flatMap(({ name }) => directoriesBelow(Buffer.concat([directory, Buffer.from('/'), name])).map(below => `/${decodeBytes(name)}${below}`))];
}
