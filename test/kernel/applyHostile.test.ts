import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Applied } from '../../src/core/plan/applied';
import { encodeBytes } from '../../src/core/parse/bytes';
import { planScript } from '../../src/core/plan/script';
import type { Plan, Step } from '../../src/core/plan/plan';
import { makeCgroup, notYet } from './support/cgroups';
import { cleanUp, newFolder } from './support/cleanUp';
import { CGROUP_NAMES, type Hostile, THREAD_NAMES, hostileProcess } from './support/hostile';
import { applyThrough, makeStep, moveStep, pinStep, placeOf, planOf, removeStep, scheduleStep, schedulingOf, taskOf, undoOf, valueStep } from './support/plans';
import { affinityOf } from './support/readers';
import { runScript } from './support/scripts';
import { SHELLS, shellFolder } from './support/tools';

/** What would be executed if a name ever were, beside those of the list: each leaves a trace. */
const canary = (name: string): string[] => [`$(touch ${name})`, `\`touch ${name}\``, `'; touch ${name}; '`, `"; touch ${name}; "`, `\\'; touch ${name} #`];

describe('plans about hostile names', () => {
  let hostile: Hostile;
  /** The shell runs here: a name cannot hold a slash. */
  let folder: string;
  before(async () => {
    folder = newFolder('canary');
    hostile = await hostileProcess();
  });
  after(cleanUp);

  const ways: readonly (readonly [string, (shell: (typeof SHELLS)[number], plan: Plan) => Promise<Applied>])[] = [
    ['applied', (shell, plan) => applyThrough(['env', '-C', folder, `PATH=${shellFolder(shell)}:${process.env['PATH']}`], plan)],
    ['as a script', async (shell, plan) => {
      const { code, stdout, stderr } = await runScript(planScript(plan), { shell, folder });
      assert.deepEqual({ code, stderr, done: stdout.match(/: done\.$/gm)?.length }, { code: 0, stderr: '', done: plan.steps.length }, stdout);
      assert.doesNotMatch(stdout, /[^\p{L}\p{M}\p{N}\p{P}\p{S} \n]/u, 'a terminal would obey it');
      return { steps: plan.steps.map(() => ({ state: 'done', errno: undefined, found: undefined, said: undefined })), complete: true, remarks: [] };
    }],
  ];

  for (const [way, run] of ways) {
    for (const shell of SHELLS) {
      const doneBy = async (steps: readonly Step[]): Promise<void> => {
        const result = await run(shell, planOf(steps, { title: 'a\nb; touch title', hostLabel: '$(touch host)\n' }));
        assert.deepEqual({ ...result, steps: result.steps.map(({ state }) => state) }, { complete: true, remarks: [], steps: steps.map(() => 'done') });
      };

      it(`${way} in ${shell}: from each cgroup into the next, in v1 and in v2, and back`, async () => {
        const { places, pid } = hostile;
        const steps = places.flatMap(({ tid, v1, v2 }, i) => {
          const next = places[(i + 1) % places.length]!;
          return [moveStep(taskOf(pid, tid), v1, next.v1), moveStep(taskOf(pid, tid), v2, next.v2)];
        });
        await doneBy(steps);
        places.forEach(({ tid, v1, v2 }, i) => {
          const next = places[(i + 1) % places.length]!;
          assert.deepEqual([v1.key, v2.key].map(key => encodeBytes(placeOf(taskOf(pid, tid), key)!)), [next.v1.bytes, next.v2.bytes]);
        });
        await doneBy(undoOf(steps).steps);
        for (const { tid, v1, v2 } of places) assert.deepEqual([v1, v2].map(({ key }) => placeOf(taskOf(pid, tid), key)), [v1.path, v2.path]);
      });

      it(`${way} in ${shell}: threads of each name are moved, pinned and scheduled, and back`, async () => {
        const { pid, tids } = hostile;
        const [from, to] = [makeCgroup('cpu', 'hostile names'), makeCgroup('cpu', 'other')];
        for (const tid of tids) from.addThread(tid);
        const steps = tids.flatMap((tid, i) => [moveStep(taskOf(pid, tid), from, to), ...(i % 4 === 0 ? [pinStep(taskOf(pid, tid), '1'), scheduleStep(taskOf(pid, tid), 'batch', 0, 4)] : [])]);
        await doneBy(steps);
        tids.forEach((tid, i) => {
          assert.equal(placeOf(taskOf(pid, tid), 'cpu'), to.path, JSON.stringify(THREAD_NAMES[i]!.toString('latin1')));
          if (i % 4 === 0) assert.deepEqual([affinityOf(tid), schedulingOf(taskOf(pid, tid))], [[1], { policy: 'batch', priority: 0, nice: 4 }]);
        });
        await doneBy(undoOf(steps).steps);
        for (const tid of tids) assert.deepEqual([placeOf(taskOf(pid, tid), 'cpu'), affinityOf(tid), schedulingOf(taskOf(pid, tid)).policy], [from.path, [0, 1], 'other']);
      });

      it(`${way} in ${shell}: a cgroup of each name is made, written to and removed`, async () => {
        const parent = makeCgroup('cpu', 'makers');
        const fresh = [...CGROUP_NAMES, ...canary('made').map(name => Buffer.from(name))].map(name => notYet(parent, name));
        await doneBy(fresh.map(makeStep));
        await doneBy(fresh.map(cgroup => valueStep(cgroup, 'cpu.shares', '555')));
        for (const cgroup of fresh) assert.equal(cgroup.read('cpu.shares'), '555');
        await doneBy(fresh.map(removeStep));
        for (const cgroup of fresh) assert.ok(!existsSync(cgroup.directory));
      });

      it(`${way} in ${shell}: what is found elsewhere, and a refusal, are told without being obeyed`, async () => {
        const { places, pid } = hostile;
        for (const [i, { tid, v1 }] of places.entries()) {
          if (i % 6 !== 0) continue; // a script each
          const next = places[(i + 1) % places.length]!;
          const plan = planOf([moveStep(taskOf(pid, tid), next.v1, v1)]);
          if (way === 'applied') assert.equal((await run(shell, plan)).steps[0]!.found, v1.path);
          else {
            const { code, stdout } = await runScript(planScript(plan), { shell, folder });
            assert.equal(code, 1);
            assert.match(stdout, /NOT DONE[^\n]*found: [ -~]+\n$/);
          }
        }
      });
    }
  }

  it('each name of ours that would execute something does so where it is not quoted', async () => {
    for (const name of canary('proof')) {
      const script = join(newFolder('proof'), 'script');
      writeFileSync(script, `cd ${folder}\n: ${name}\n: '${name}'\n: "${name}"\n`);
      await runScript(`sh ${script} 2>/dev/null`, { shell: 'dash', folder });
    }
    assert.ok(existsSync(join(folder, 'proof')));
  });

  it('nothing was executed', () => {
    assert.deepEqual(readdirSync(folder), ['proof']);
    assert.ok(!existsSync('/tmp/x'));
  });
});
