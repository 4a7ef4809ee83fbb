import assert from 'node:assert/strict';
import { chmodSync, readdirSync } from 'node:fs';
import { buildingCgroupTree } from '../../src/core/model/cgroupTree';
import type { HostModel } from '../../src/core/model/hostModel';
import { atOnce } from '../../src/core/model/pace';
import { encodeBytes } from '../../src/core/parse/bytes';
import { makeCgroup } from './support/cgroups';
import { PREFIX, cleanUp } from './support/cleanUp';
import { asNobody, cgroupOf, collectAllThrough, collectThrough, inPrivateMounts } from './support/collect';
import { CGROUP_NAMES } from './support/hostile';
import { trees } from './support/mounts';
import { SHELLS, awks, withTools } from './support/tools';

/** Cgroups that no QEMU thread is in: brought only when all are asked for. */
describe('all cgroups', () => {
  before(() => {
    for (const name of CGROUP_NAMES) for (const controller of ['cpu', '0::']) makeCgroup(controller, 'empty', name, 'below');
    makeCgroup('cpu', 'empty').write('cpu.shares', 333);
    makeCgroup('0::', 'empty', 'threaded').write('cgroup.type', 'threaded');
  });
  after(cleanUp);

  /** Paths below ours as the model has them, their bytes in Latin-1, hierarchy by hierarchy. */
  const ours = (model: HostModel): Record<string, string[]> =>
    Object.fromEntries(model.hierarchies.map(({ key, cgroups }) => [key, [...cgroups.keys()].filter(path => path.startsWith(`/${PREFIX}`)).map(path => encodeBytes(path).toString('latin1')).sort()]));

  /** The same, as the file system has them. */
  function expected(): Record<string, string[]> {
    const below = (directory: Buffer): Buffer[] => {
      const names = readdirSync(directory, { withFileTypes: true, encoding: 'buffer' } as never) as unknown as { name: Buffer; isDirectory(): boolean }[];
      return names.filter(it => it.isDirectory()).flatMap(({ name }) => {
        const child = Buffer.concat([directory, Buffer.from('/'), name]);
        return [child, ...below(child)];
      });
    };
    return Object.fromEntries(trees().map(({ key, mountPoint }) => {
      const paths = below(Buffer.from(mountPoint)).map(directory => directory.subarray(mountPoint.length).toString('latin1'));
      return [key, paths.filter(path => path.startsWith(`/${PREFIX}`)).sort()];
    }));
  }

  it('are not brought unless they are asked for', async () => {
    assert.ok(Object.values(ours((await collectThrough([])).model)).every(paths => paths.length === 0));
  });

  for (const shell of SHELLS) {
    for (const awk of awks()) {
      for (const tools of ['GNU', 'busybox'] as const) {
        it(`are brought by ${shell}, ${awk}, ${tools} tools, whatever their names, with their files`, async () => {
          const { model, problems } = await collectAllThrough(withTools(shell, awk, tools));
          assert.deepEqual(ours(model), expected());
          assert.equal(cgroupOf(model, makeCgroup('cpu').key, `/${PREFIX}/empty`).shares, 333);
          assert.equal(cgroupOf(model, '0::', `/${PREFIX}/empty/threaded`).type, 'threaded');
          assert.equal(cgroupOf(model, '0::', `/${PREFIX}/empty/threaded`).parent?.type, 'domain threaded');
          assert.deepEqual(problems.filter(({ path }) => path.includes(PREFIX)), []);
          assert.deepEqual(model.collection.remarks.filter(remark => !/setlocale/.test(remark)), []);
        });
      }
    }
  }

  it('are counted as empty of QEMU threads', async () => {
    const { model } = await collectAllThrough([]);
    const tree = atOnce(buildingCgroupTree(model, () => undefined));
    assert.equal(tree.population(cgroupOf(model, '0::', `/${PREFIX}/empty`)).threads, 0);
    assert.equal(tree.children(cgroupOf(model, '0::', `/${PREFIX}/empty`)).length, CGROUP_NAMES.length + 1);
  });

  it('of a hierarchy that is mounted inside another are its own', async () => {
    const inner = makeCgroup('0::', 'inner');
    const cpu = trees().find(t => t.key === makeCgroup('cpu').key)!;
    const { model } = await collectAllThrough(inPrivateMounts(`mount --bind ${cpu.mountPoint} ${inner.directory}`));
    const all = expected();
    all['0::'] = all['0::']!.filter(path => path !== inner.bytes.toString('latin1')); // hidden under the mount
    assert.deepEqual(ours(model), all);
  });

  it('that may not be entered are a problem, and the others are there', async () => {
    const closed = makeCgroup('0::', 'it is closed');
    chmodSync(closed.directory, 0o700);
    const { model, problems } = await collectAllThrough(asNobody());
    assert.deepEqual(ours(model), expected());
    assert.deepEqual(problems.filter(({ path }) => path.includes(PREFIX)).map(({ path, errno }) => `${errno} ${encodeBytes(path).toString('latin1')}`).sort(), [`EACCES ${closed.directory.toString('latin1')}`, `EACCES ${closed.directory.toString('latin1')}/cgroup.controllers`]);
  });
});
