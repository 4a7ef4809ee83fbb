import assert from 'node:assert/strict';
import { textsOf } from '../../../src/core/cgroup/files';
import { predict } from '../../../src/core/cgroup/predict';
import { type World, worldOf } from '../../../src/core/cgroup/world';
import type { HostModel } from '../../../src/core/model/hostModel';
import { makePlan } from '../../../src/core/plan/makePlan';
import { type HostName, machine, modelOf } from '../fixtures';

const VALUES: Readonly<Record<string, readonly string[]>> = {
  'cpu.max': ['max 100000', '20000 50000', '30000'], 'cpu.max.burst': ['1000', '0'], 'cpu.weight': ['1', '77', '10000'], 'cpu.weight.nice': ['5', '-3'], 'cpu.idle': ['0', '1'],
  'cpu.shares': ['2', '333'], 'cpu.cfs_quota_us': ['-1', '20000'], 'cpu.cfs_period_us': ['50000'], 'cpu.cfs_burst_us': ['0', '100'],
  'cpuset.cpus': ['', '0', '1', '0-1'], 'cpuset.mems': ['', '0'], 'pids.max': ['max', '100'], 'cgroup.freeze': ['1', '0'], 'freezer.state': ['FROZEN', 'THAWED'],
};

describe('a way back that is called exact', () => {
  for (const name of ['guest-v2', 'guest-hybrid', 'host-v1-libvirt', 'numa-isolated'] as const satisfies readonly HostName[]) {
    it(`${name}: leads, by what is predicted, to what every file read before, and every thread`, async () => {
      // Weights that the kernel itself gives to none.
      const { model } = await modelOf(name, copy => {
        for (const file of copy.files.keys()) if (/libvirt.*\/cpu\.(weight|shares)$/.test(file)) copy.files.set(file, '2048\n');
      });
      let tried = 0;
      for (const hierarchy of model.hierarchies) {
        for (const { path } of [...hierarchy.cgroups.values()].filter(cgroup => cgroup.directory !== undefined && /\/libvirt|libvirt-qemu/.test(cgroup.path))) {
          for (const [file, value] of Object.entries(VALUES).flatMap(([of, values]) => values.map(one => [of, one] as const))) {
            const { plan } = makePlan(model, machine(model, 'serial'), [{ kind: 'set', hierarchy: hierarchy.key, path, file, value }], { expert: true });
            if (!plan || plan.steps.some(({ undo }) => undo.kind !== 'exact')) continue;
            tried++;
            const done = plan.steps.reduce((world, { action }) => predict(world, action).after, worldOf(model));
            const back = [...plan.steps].reverse().flatMap(({ undo }) => undo.actions).reduce((world, action) => predict(world, action).after, done);
            assert.deepEqual(facts(back, model), facts(worldOf(model), model), `${file}=${value} in ${hierarchy.key} ${path}`);
          }
        }
      }
      assert.ok(tried > 20, String(tried));
    });
  }
});

function facts(world: World, model: HostModel): unknown {
  return {
    cgroups: model.hierarchies.flatMap(({ key, cgroups }) => [...cgroups.keys()].map(path => {
      const cgroup = world.cgroup(key, path);
      return [key, path, cgroup && textsOf(cgroup)];
    })),
    tasks: model.machines.flatMap(({ threads }) => threads.map(({ tid }) => {
      const task = world.task(tid);
      return [tid, task?.allowed?.map(String), task && [...task.places]];
    })),
  };
}
