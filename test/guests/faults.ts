import assert from 'node:assert/strict';
import { applyQuestion } from '../../src/core/apply/apply';
import { isOld } from '../../src/core/layout/age';
import type { HostModel } from '../../src/core/model/hostModel';
import { Rates } from '../../src/core/model/rates';
import { makePlan } from '../../src/core/plan/makePlan';
import { sentence } from '../../src/core/plan/sentences';
import { findingsOf } from '../../src/core/rules/allRules';
import type { Finding } from '../../src/core/rules/rule';
import { inWords } from '../kernel/support/plans';
import type { Guest, Mode } from './support/guest';
import { DOMAIN } from './support/lab';
import { type Scene, machineOf, scenario, until } from './support/scene';

/** One thing that goes wrong on the domain `serial`, and what the product makes of it. */
interface Fault {
  readonly rule: string;
  readonly only?: 'v1' | 'v2';
  /** Done with the words of `Scene`. */
  readonly make: string;
  readonly isOfPins?: true;
  /** Seen only from one look to the next. */
  readonly isRate?: true;
  /** What a person would do by hand; after a fix only what the fix leaves. */
  readonly back: string;
  readonly severity: Finding['severity'];
  /** A part of the sentence. */
  readonly says: RegExp;
  /** Whether it has a fix, which is then applied. */
  readonly fix: boolean;
}

/** Each is made, found, put right by its own fix, and gone. */
export function faults(guest: () => Guest, mode: Mode, healthy: () => string): void {
  for (const fault of faultsIn(mode).filter(({ only }) => only === undefined || (only === 'v2') === (mode === 'v2'))) {
    scenario(`${fault.rule}: made, found${fault.fix ? ', put right' : ''}, gone`, guest, healthy, async scene => {
      // A thread's pins count after its first minute, in which libvirt may still be about to set them.
      if (fault.isOfPins) await until(async () => isOld(...(await ageOf(scene))), 'the domain is a minute old');
      const before = await found(scene, fault);
      await scene.make(fault.make, fault.back);
      const finding = await within(fault.isRate ? 5 : 1, async () => (await found(scene, fault)).find(one => !isAmong(one, before)));
      assert.equal(finding.severity, fault.severity);
      assert.match(finding.text, fault.says);
      assert.equal(finding.fixes.length > 0, fault.fix);
      if (fault.fix) await applyFix(scene, finding);
      else await scene.undo();
      assert.deepEqual((await found(scene, fault)).filter(one => isAmong(one, [finding])).map(({ text }) => text), []);
    });
  }
}

function faultsIn(mode: Mode): readonly Fault[] {
  const isV2 = mode === 'v2';
  const cpuset = isV2 ? '0::' : 'cpuset';
  const tasks = isV2 ? 'cgroup.threads' : 'tasks';
  const scope = isV2 ? '"$(group 0:: ..)' : '"$(sed -n "s|^[0-9]*:pids:|/sys/fs/cgroup/pids|p" /proc/$pid/cgroup)';
  const [quota, tight, usual] = isV2 ? ['"$(group 0:: vcpu0)/cpu.max"', '2000 100000', '50000 100000'] : ['"$(group cpu,cpuacct vcpu0)/cpu.cfs_quota_us"', '2000', '50000'];
  const pinned = (comm: string, kind: 'vcpupin' | 'iothreadpin', id: number, cpu: number): string => `echo "$(tid '${comm}')" >"$(group ${cpuset} ${kind === 'vcpupin' ? 'vcpu' : 'iothread'}${id})/${tasks}"; virsh -q ${kind} serial ${id} ${cpu} --live`;
  return [
    {
      rule: 'vcpu-in-emulator',
      make: `echo "$(tid 'CPU 2/TCG')" >"$(group ${cpuset} emulator)/${tasks}"`,
      back: pinned('CPU 2/TCG', 'vcpupin', 2, 0),
      severity: 'warning',
      says: /vCPU 2 is in .*emulator/,
      fix: true,
    },
    {
      rule: 'thread-outside-layout',
      make: `echo "$(tid 'IO iothread1')" >"$(group ${cpuset} emulator)/${tasks}"`,
      back: pinned('IO iothread1', 'iothreadpin', 1, 1),
      severity: 'warning',
      says: /I\/O thread iothread1 is in .*emulator/,
      fix: true,
    },
    {
      rule: 'pin-differs-from-libvirt',
      isOfPins: true,
      make: `echo 1 >"$(group ${cpuset} vcpu0)/cpuset.cpus"`,
      back: `echo 0 >"$(group ${cpuset} vcpu0)/cpuset.cpus"; virsh -q vcpupin serial 0 0 --live`,
      severity: 'warning',
      says: /vCPU 0 .*CPU 1.*CPU 0/,
      fix: true,
    },
    {
      // Linux 6.1 forgets a pin when the cpuset changes.
      rule: 'affinity-lost',
      isOfPins: true,
      make: `echo 0-1 >"$(group ${cpuset} vcpu2)/cpuset.cpus"`,
      back: `echo 0 >"$(group ${cpuset} vcpu2)/cpuset.cpus"; virsh -q vcpupin serial 2 0 --live`,
      severity: 'warning',
      says: /vCPU 2 .*CPUs 0-1.*CPU 0/,
      fix: true,
    },
    {
      rule: 'throttled',
      isRate: true,
      // Its firmware begins anew, and needs all that it can get.
      make: `echo ${tight} >${quota}; virsh -q reset serial`,
      back: `echo ${usual} >${quota}`,
      severity: 'warning',
      says: /vcpu0 .*2000\/100000/,
      fix: true,
    },
    {
      rule: 'thread-create-eagain',
      make: `cat ${scope}/pids.current" >${scope}/pids.max"`,
      back: `echo 16384 >${scope}/pids.max"`,
      severity: 'warning',
      says: /scope/,
      fix: true,
    },
    {
      rule: 'subtree-control-stripped',
      only: 'v2',
      make: 'echo -cpuset >"$(group 0:: .)/cgroup.subtree_control"',
      back: `echo +cpuset >"$(group 0:: .)/cgroup.subtree_control"
        for n in 0 1 2 3; do virsh -q vcpupin serial $n $(( n % 2 )) --live; done; virsh -q emulatorpin serial 0 --live; virsh -q iothreadpin serial 1 1 --live; virsh -q iothreadpin serial 2 0 --live`,
      severity: 'warning',
      says: /cpuset/,
      fix: false,
    },
    {
      rule: 'frozen',
      only: 'v2',
      make: `echo 1 >"$(group 0:: vcpu3)/cgroup.freeze"; until grep -qx 'frozen 1' "$(group 0:: vcpu3)/cgroup.events"; do sleep 0.1; done`,
      back: 'echo 0 >"$(group 0:: vcpu3)/cgroup.freeze"',
      severity: 'error',
      says: /vcpu3/,
      fix: true,
    },
  ];
}

async function ageOf({ guest }: Scene): Promise<Parameters<typeof isOld>> {
  const { model } = await guest.look();
  return [model, machineOf(model, DOMAIN)];
}

/** What comes with load is not there at once. */
async function within<T>(looks: number, look: () => Promise<T | undefined>): Promise<T> {
  for (let n = 0; n < looks; n++) {
    const value = await look();
    if (value !== undefined) return value;
  }
  assert.fail('it is not found');
}

/** Of the same words of a document, and as bad. */
function isAmong(one: Finding, findings: readonly Finding[]): boolean {
  const key = ({ severity, at }: Finding): string => JSON.stringify([severity, at, 'thread' in at ? at.thread.tid : '']);
  return findings.some(other => key(other) === key(one));
}

interface Found extends Finding {
  readonly model: HostModel;
  readonly text: string;
}

/** What one rule says of the domain. Each look costs an emulated guest seconds. */
async function found({ guest }: Scene, { rule, isRate }: Fault): Promise<Found[]> {
  const before = isRate && (await guest.look()).model;
  const { model, problems } = await guest.look();
  assert.deepEqual(problems, []);
  const machine = machineOf(model, DOMAIN);
  const findings = findingsOf(model, before && new Rates(before, model));
  return findings.filter(finding => finding.rule === rule && finding.machine === machine).map(finding => ({ ...finding, model, text: finding.sentence(path => path) }));
}

async function applyFix({ guest }: Scene, { model, machine, fixes, text }: Found): Promise<void> {
  const { plan, refusal } = makePlan(model, machine, fixes[0]!.changes(), { expert: false });
  assert.ok(plan, `${text}: ${refusal && sentence(refusal.because)}`);
  const applied = await guest.source().ask(applyQuestion(plan), new AbortController().signal);
  assert.deepEqual(applied.steps.map(inWords), plan.steps.map(() => 'done'), JSON.stringify(applied.steps));
}
