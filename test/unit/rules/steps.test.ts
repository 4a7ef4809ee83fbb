import assert from 'node:assert/strict';
import { atOnce } from '../../../src/core/model/pace';
import { ALL_RULES, type RuleFailure, checking, findingsOf } from '../../../src/core/rules/allRules';
import { CheckedHost } from '../../../src/core/rules/checkedHost';
import type { Rule } from '../../../src/core/rules/rule';
import { type HostName, modelOf } from '../fixtures';

/** Without a clock: `npm run bench:rules` measures what one step takes. */
describe('looking for what is wrong, in steps', () => {
  for (const name of ['host-v1-libvirt', 'misplaced-vcpus', 'guest-numa-clean'] satisfies HostName[]) {
    it(`others may have their turn between any two rules of any machine: ${name}`, async () => {
      const { model } = await modelOf(name);
      const steps = checking(new CheckedHost(model, undefined));
      let count = 0;
      while (!steps.next().done) count++;
      assert.ok(model.machines.length > 0);
      assert.ok(count >= model.machines.length * ALL_RULES.length, `${count} steps for ${model.machines.length} machines`);
    });
  }

  it('others may have their turn between any two findings, too: a machine may have thousands', async () => {
    const { model } = await modelOf('misplaced-vcpus');
    const checked = new CheckedHost(model, undefined);
    const steps = checking(checked);
    let count = 0;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count++;
    assert.ok(step.value.length > 0);
    assert.equal(count, model.machines.length * ALL_RULES.length + step.value.length);
  });

  it('none is done before it is asked for: who gives up in between has paid for no more', async () => {
    const { model } = await modelOf('misplaced-vcpus');
    const steps = checking(new CheckedHost(model, undefined));
    assert.equal(steps.next().done, false);
    assert.deepEqual(steps.return([]), { done: true, value: [] });
    assert.equal(steps.next().done, true);
  });

  it('one that throws is told of, and the others go on; where nobody listens it is thrown', async () => {
    const { model } = await modelOf('misplaced-vcpus');
    const broken: Rule = {
      id: 'broken',
      title: () => 'x',
      check: () => {
        throw new Error('no such thing');
      },
    };
    const rules = [broken, ...ALL_RULES];
    const failures: RuleFailure[] = [];
    const found = atOnce(checking(new CheckedHost(model, undefined), failure => failures.push(failure), rules));
    assert.deepEqual(found.map(({ rule }) => rule), findingsOf(model).map(({ rule }) => rule));
    assert.deepEqual(failures.map(({ rule, machine, error }) => [rule, machine, (error as Error).message]), model.machines.map(machine => ['broken', machine, 'no such thing']));
    assert.throws(() => atOnce(checking(new CheckedHost(model, undefined), undefined, rules)), /no such thing/);
  });
});
