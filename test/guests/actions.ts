import assert from 'node:assert/strict';
import { applyQuestion } from '../../src/core/apply/apply';
import { describeError } from '../../src/core/messages';
import type { Applied } from '../../src/core/plan/applied';
import { makePlan } from '../../src/core/plan/makePlan';
import type { Change, Plan } from '../../src/core/plan/plan';
import { printPlan } from '../../src/core/plan/print';
import { sentence } from '../../src/core/plan/sentences';
import { undoPlan } from '../../src/core/plan/undo';
import { inWords } from '../kernel/support/plans';
import { type Case, OWNERS, ROUNDS, type Round } from './support/actionCases';
import { ActionLab } from './support/actionLab';
import type { Guest, User } from './support/guest';
import { DOMAIN, startDomain } from './support/lab';
import { type State, differences, kernelState, ownersState } from './support/state';

/** Every kind of change on the domain `serial`: made, done through the product, read back by tools, undone, read back. */
export function actions(guest: () => Guest): void {
  describe('actions', function () {
    this.timeout(300_000);
    // systemd remembers what it was told once, and a test that fails leaves half of it.
    after(async () => {
      await guest().run(`systemctl revert machine.slice; virsh -q destroy ${DOMAIN}`);
      await startDomain(guest());
    });

    for (const round of ROUNDS) {
      it(round.cases.map(({ name }) => name).join('; '), async () => {
        await there(guest(), round, await kernelState(guest()));
      });
    }

    it('by the owners\' tools, which know of it then, and of what was before once it is undone', async () => {
      const before = await fullState(guest());
      const lab = new ActionLab((await guest().look()).model, before);
      const cases = OWNERS.filter(({ only }) => only === undefined || (only === 'v2') === lab.isV2);
      const done: { readonly plan: Plan; readonly applied: Applied }[] = [];
      try {
        for (const { name, changes, tool } of cases) {
          const { plan, refusal } = planned(lab, changes(lab), true);
          assert.ok(plan?.ownersWay, `${name}: ${refusal ? sentence(refusal.because) : 'the owner has no way'}`);
          for (const { action } of plan.ownersWay.steps) assert.ok(action.kind === 'tool' && tool.split(' ').every(word => action.argv.includes(word)), `${name}: ${JSON.stringify(action)}`);
          const applied = await apply(guest(), plan.ownersWay);
          done.push({ plan: plan.ownersWay, applied });
          assertDone(name, plan.ownersWay, applied);
        }
        assert.deepEqual(differences(before, await fullState(guest())), sorted(Object.assign({}, ...cases.map(({ expected }) => expected(lab)))));
      } finally {
        await back(guest(), done);
      }
      const left: State = Object.assign({}, ...cases.map(one => one.left?.(lab) ?? {}));
      assert.deepEqual(differences(before, await fullState(guest())), sorted(left));
    });

    it('a user who may use sudo does it as root', async () => {
      const before = await kernelState(guest());
      const lab = new ActionLab((await guest().look('op')).model, before);
      const { plan, refusal } = planned(lab, [lab.schedule('vCPU 1', 'batch', 0, 0), ...lab.moves('iothread1', 'emulator')], false);
      assert.ok(plan, refusal && sentence(refusal.because));
      assert.equal(plan.asRoot, true);
      const done: { readonly plan: Plan; readonly applied: Applied }[] = [];
      try {
        const applied = await apply(guest(), plan, 'op');
        done.push({ plan, applied });
        assertDone('op', plan, applied);
        assert.deepEqual(differences(before, await kernelState(guest())), sorted({ 'vCPU 1 policy': 'SCHED_BATCH', 'iothread1 cpus': '0', ...Object.fromEntries(lab.grouped.map(key => [`iothread1 in ${key}`, 'S/emulator'])) }));
      } finally {
        await back(guest(), done, 'op');
      }
      assert.deepEqual(differences(before, await kernelState(guest())), {});
    });

    it('a user who may not is refused before anything is written, in words', async () => {
      const before = await kernelState(guest());
      const lab = new ActionLab((await guest().look('ro')).model, before);
      const { plan, refusal } = planned(lab, [lab.schedule('vCPU 1', 'batch', 0, 0), ...lab.moves('iothread1', 'emulator')], false);
      assert.ok(plan, refusal && sentence(refusal.because));
      const error = await apply(guest(), plan, 'ro').then(applied => applied, (e: unknown) => e);
      if (error instanceof Error) assert.match(describeError(error), /sudo/);
      else {
        const { steps } = error as Applied;
        assert.deepEqual(steps.map(({ state }) => state), plan.steps.map((_, i) => (i === 0 ? 'refused' : 'not done')));
        assert.match(printPlan(plan, error as Applied), /root|sudo/);
      }
      assert.deepEqual(differences(before, await kernelState(guest())), {});
    });

    it('no kind of change and no tool is missing here', async () => {
      const lab = new ActionLab((await guest().look()).model, {});
      const kinds: Readonly<Record<Change['kind'], true>> = { move: true, moveProcess: true, pin: true, schedule: true, make: true, remove: true, quota: true, set: true };
      const all = (round: Round): readonly Case[] => [...round.cases, ...(round.then ? all(round.then) : [])];
      const asked = ROUNDS.flatMap(all).flatMap(({ changes }) => changes(lab));
      assert.deepEqual([...new Set(asked.map(({ kind }) => kind))].sort(), Object.keys(kinds).sort());
      assert.deepEqual([...new Set(OWNERS.map(({ tool }) => tool))].sort(), ['systemctl set-property', 'virsh emulatorpin', 'virsh iothreadpin', 'virsh schedinfo', 'virsh vcpupin']);
    });
  });
}

/** There and back. */
async function there(guest: Guest, round: Round, before: State): Promise<void> {
  const lab = new ActionLab((await guest.look()).model, before);
  const done: { readonly plan: Plan; readonly applied: Applied }[] = [];
  const expected: Record<string, string> = {};
  try {
    for (const one of round.cases) {
      if (one.only !== undefined && (one.only === 'v2') !== lab.isV2) continue;
      const plan = planOf(lab, one);
      Object.assign(expected, one.expected(lab));
      const applied = await apply(guest, plan);
      done.push({ plan, applied });
      assertDone(one.name, plan, applied);
    }
    const now = await kernelState(guest);
    const found = differences(before, now);
    assert.deepEqual(Object.fromEntries(Object.entries(found).filter(([name]) => name in expected || !isWithinNew(name, expected))), sorted(expected));
    if (round.then) await there(guest, round.then, now);
  } finally {
    await back(guest, done);
  }
  assert.deepEqual(differences(before, await kernelState(guest)), {});
}

/** Undoes what was done, the last first. */
async function back(guest: Guest, done: readonly { readonly plan: Plan; readonly applied: Applied }[], user: User = 'root'): Promise<void> {
  const { model } = await guest.look(user);
  const failed: unknown[] = [];
  for (const { plan, applied } of [...done].reverse()) {
    try {
      const undo = undoPlan(plan, applied, model);
      assert.ok(undo.plan, `${plan.title}: ${undo.refusal && sentence(undo.refusal.because)}`);
      assertDone(undo.plan.title, undo.plan, await apply(guest, undo.plan, user));
    } catch (error) {
      failed.push(error); // the others are undone all the same
    }
  }
  if (failed.length > 0) throw failed[0];
}

async function fullState(guest: Guest): Promise<State> {
  return { ...(await kernelState(guest)), ...(await ownersState(guest)) };
}

function planOf(lab: ActionLab, { name, changes, expert, typed, forgets, bestEffort = () => [] }: Case): Plan {
  const wanted = changes(lab);
  if (expert !== undefined) assert.equal(planned(lab, wanted, false).refusal?.because.id, expert, name);
  const { plan, refusal } = planned(lab, wanted, expert !== undefined);
  assert.ok(plan, `${name}: ${refusal && sentence(refusal.because)}`);
  assert.equal(plan.consent.kind === 'type' ? plan.consent.because.id : undefined, typed, name);
  assert.deepEqual(plan.steps.flatMap(({ undo }) => (undo.kind === 'exact' ? [] : [undo.because?.id])), bestEffort(lab), name);
  const forgotten = plan.steps.flatMap(({ outcomes, undo }) => (outcomes.some(({ because }) => because?.id === 'pin-forgotten') ? [undo.actions.map(({ kind }) => kind)] : []));
  if (forgets) assert.ok(forgotten.length > 0 && forgotten.every(kinds => kinds.at(-1) === 'affinity'), `${name}: ${JSON.stringify(plan.steps.map(({ outcomes, undo }) => ({ outcomes, undo })))}`);
  return plan;
}

function planned(lab: ActionLab, changes: readonly Change[], expert: boolean): ReturnType<typeof makePlan> {
  return makePlan(lab.model, lab.machine, changes, { expert });
}

function apply(guest: Guest, plan: Plan, user: User = 'root'): Promise<Applied> {
  return guest.source(user).ask(applyQuestion(plan), new AbortController().signal);
}

function assertDone(name: string, plan: Plan, { steps, complete, remarks }: Applied): void {
  assert.deepEqual({ states: steps.map(inWords), complete, remarks }, { states: plan.steps.map(() => 'done'), complete: true, remarks: [] }, `${name}: ${JSON.stringify(steps)}`);
  assert.ok(plan.steps.every(({ outcomes }) => outcomes.some(({ errno }) => errno === undefined)), name);
}

/** Whatever a cgroup has by itself that was not there before, or is not any more. */
function isWithinNew(name: string, expected: State): boolean {
  const directory = name.slice(0, name.lastIndexOf('/'));
  return expected[directory] === 'there' || expected[directory] === '';
}

function sorted(state: Readonly<Record<string, string>>): State {
  return Object.fromEntries(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1)));
}
