import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostModel } from '../../src/core/model/hostModel';
import { Rates } from '../../src/core/model/rates';
import { makePlan } from '../../src/core/plan/makePlan';
import { findingsOf } from '../../src/core/rules/allRules';
import type { Finding } from '../../src/core/rules/rule';
import { OwnCgroup, makeCgroup } from './support/cgroups';
import { PREFIX, cleanUp, end, required, start } from './support/cleanUp';
import { collectModel, machineOf, modelOf } from './support/collect';
import { helper } from './support/helper';
import { tree } from './support/mounts';
import { apply, inWords } from './support/plans';
import { type Qemu, startQemu } from './support/qemu';
import { affinityOf, placesOf, run, tidsOf } from './support/readers';

/** Faults of load and of structure, made on real threads in cgroups of our own; each is found, put right where there is a fix, and gone. */
describe('faults that are made on this kernel', () => {
  let number = 0;
  let qemu: Qemu;
  let scope: string;

  beforeEach(async () => {
    number += 1;
    qemu = await startQemu({ name: `faults${number}`, vcpus: 1 });
    scope = String.raw`machine-qemu\x2d${number}\x2dfaults.scope`;
  });
  afterEach(() => end(qemu.child));
  after(cleanUp);

  const look = async (): Promise<HostModel> => (await collectModel()).model;
  const found = (rule: string, model: HostModel, before?: HostModel, pid = qemu.pid): Finding[] => findingsOf(model, new Rates(before, model)).filter(finding => finding.rule === rule && finding.machine.pid === pid);
  const said = ([finding]: readonly Finding[]): string => finding?.sentence(path => path.slice(path.lastIndexOf('/') + 1)) ?? '';

  /** Does the first fix of the only finding, by the plan that is made of it. */
  async function putRight(model: HostModel, findings: readonly Finding[]): Promise<void> {
    assert.equal(findings.length, 1);
    const { plan, refusal } = makePlan(model, machineOf(model, qemu.pid), findings[0]!.fixes[0]!.changes(), { expert: false });
    assert.ok(plan, refusal?.because.id);
    const { steps } = await apply(plan);
    assert.deepEqual(steps.map(inWords), plan.steps.map(() => 'done'));
  }

  /** Two looks with so much time between them. */
  async function looks(): Promise<[HostModel, HostModel]> {
    const first = await look();
    await sleep(1500);
    return [await look(), first];
  }

  it('throttled: a quota of 1 % on a vCPU that boots; without it, it boots on', async () => {
    makeCgroup('cpu', scope, 'libvirt', 'emulator').addProcess(qemu.pid);
    const group = makeCgroup('cpu', scope, 'libvirt', 'vcpu0').write('cpu.cfs_quota_us', 1000);
    group.addThread((await qemu.qmp.vcpus())['0']!);
    await qemu.qmp.execute('cont');
    const [model, before] = await looks();
    const findings = found('throttled', model, before);
    assert.deepEqual(findings.map(({ severity }) => severity), ['warning'], 'of two looks');
    assert.match(said(findings), /^vcpu0 ran out of its CPU quota \(1000\/100000\) \d+ times, \d+ % of the time: vCPU 0 stood still$/);
    await putRight(model, findings);
    assert.equal(group.read('cpu.cfs_quota_us'), '-1');
    assert.deepEqual(found('throttled', ...(await looks())), []);
  });

  it('cpu-wait, and after a while pressure-high: two vCPUs that never rest, on one CPU', async function () {
    this.timeout(90_000);
    const child = start(required('taskset'), ['-c', String(affinityOf(process.pid)[0]), helper('qemu-system-busy'), 'busy', '2']);
    await new Promise(resolve => child.stdout!.once('data', resolve));
    const group = makeCgroup('0::', scope);
    group.addProcess(child.pid);
    const [model, before] = await looks();
    const findings = found('cpu-wait', model, before, child.pid);
    assert.deepEqual(findings.map(({ severity, threads }) => [severity, threads.map(({ role }) => role.id).sort()]), [['warning', ['0', '1']]]);
    assert.match(said(findings), /^vCPU \d, vCPU \d waited for a CPU up to [3-9]\d % of the time$/);
    // The kernel's average of a minute comes to a fifth after some 13 s.
    let pressed: Finding[] = [];
    for (const until = Date.now() + 60_000; pressed.length === 0 && Date.now() < until; await sleep(1000)) pressed = found('pressure-high', await look(), undefined, child.pid);
    await end(child);
    assert.match(said(pressed), /^threads in machine-qemu\S+ waited for a CPU [2-9]\d % of the last minute \(emulator, vCPU 0, vCPU 1\)$/);
  });

  it('rt-refused: a group without time for real-time threads, where chrt fails; gone once it has some', async () => {
    const tid = (await qemu.qmp.vcpus())['0']!;
    makeCgroup('cpu', scope, 'libvirt', 'emulator').addProcess(qemu.pid);
    const group = makeCgroup('cpu', scope, 'libvirt', 'vcpu0');
    group.addThread(tid);
    const findings = found('rt-refused', await look());
    if (!group.has('cpu.rt_runtime_us')) return assert.deepEqual(findings, []); // a kernel without CONFIG_RT_GROUP_SCHED
    assert.equal(said(findings), 'vcpu0 has no time for real-time threads: the policies fifo and rr are refused there');
    assert.throws(() => run('chrt', '--fifo', '-p', '1', String(tid)));
    for (const cgroup of [makeCgroup('cpu'), makeCgroup('cpu', scope), makeCgroup('cpu', scope, 'libvirt'), group]) cgroup.write('cpu.rt_runtime_us', 10_000);
    run('chrt', '--fifo', '-p', '1', String(tid));
    assert.deepEqual(found('rt-refused', await look()), []);
  });

  it('shares-too-big: what v1 takes and v2 does not', async () => {
    const own = makeCgroup('cpu', scope).write('cpu.shares', 10_001);
    own.addProcess(qemu.pid);
    assert.equal(said(found('shares-too-big', await look())), `${scope} has 10001 CPU shares, and v2 takes a weight of at most 10000`);
    own.write('cpu.shares', 10_000);
    assert.deepEqual(found('shares-too-big', await look()), []);
  });

  for (const controller of ['freezer', '0::']) {
    const [file, on, off] = controller === '0::' ? ['cgroup.freeze', '1', '0'] : ['freezer.state', 'FROZEN', 'THAWED'];

    it(`frozen: by ${file}, thawed by its fix`, async () => {
      const own = makeCgroup(controller, scope, 'libvirt');
      own.addProcess(qemu.pid);
      assert.deepEqual(found('frozen', await look()), []);
      makeCgroup(controller, scope).write(file, on);
      const model = await look();
      const findings = found('frozen', model);
      assert.deepEqual([findings[0]?.severity, said(findings)], ['error', `${scope} is frozen`]);
      await putRight(model, findings);
      assert.equal(makeCgroup(controller, scope).read(file), off);
      assert.deepEqual(found('frozen', await look()), []);
      await qemu.qmp.execute('query-status'); // and it answers
    });
  }

  it('thread-create-eagain: as many tasks as there may be, and one that was refused; more by its fix', async () => {
    const pids = makeCgroup('pids', scope);
    pids.addProcess(qemu.pid);
    const tasks = tidsOf(qemu.pid).length;
    assert.deepEqual(found('thread-create-eagain', await look()), []);
    pids.write('pids.max', tasks + 1);
    const refused = start(required('sh'), ['-c', 'echo $$ >"$0/cgroup.procs"; sleep 0 & wait', String(pids.directory)]);
    await new Promise(resolve => refused.once('exit', resolve));
    pids.write('pids.max', tasks);
    const model = await look();
    const findings = found('thread-create-eagain', model);
    assert.equal(said(findings), `${scope} has ${tasks} of at most ${tasks} tasks: no thread can be made`);
    assert.match(findings[0]!.evidence.at(-1)!.value, /^max [1-9]/);
    await putRight(model, findings);
    assert.equal(pids.read('pids.max'), String(tasks * 2));
    assert.deepEqual(found('thread-create-eagain', await look()).map(({ severity }) => severity), ['information'], 'that one was refused is still true');
  });

  it('domain-invalid: a vCPU\'s group that nobody made threaded; its fix does, and moves the vCPU there', async () => {
    makeCgroup('0::', scope, 'libvirt').addProcess(qemu.pid);
    const emulator = makeCgroup('0::', scope, 'libvirt', 'emulator').write('cgroup.type', 'threaded');
    for (const tid of tidsOf(qemu.pid)) emulator.addThread(tid);
    const group = makeCgroup('0::', scope, 'libvirt', 'vcpu0');
    assert.equal(group.read('cgroup.type'), 'domain invalid');
    const model = await look();
    const findings = found('domain-invalid', model);
    assert.deepEqual([findings[0]?.severity, said(findings)], ['warning', 'vcpu0 is in a threaded domain and not threaded itself: it can hold nothing']);
    await putRight(model, findings);
    const vcpu = (await qemu.qmp.vcpus())['0']!;
    assert.deepEqual([group.read('cgroup.type'), placesOf(qemu.pid, vcpu)['0::']], ['threaded', group.path]);
    assert.deepEqual(found('domain-invalid', await look()), []);
  });

  it('threaded-directly-under-unit: as the kernel shows it, where PID 1 were systemd', async () => {
    const { mountPoint, key } = tree('0::');
    const name = `${PREFIX}-unit.service`;
    const own = (path: string): OwnCgroup => {
      mkdirSync(`${mountPoint}${path}`);
      return new OwnCgroup('0::', key, Buffer.from(`${mountPoint}${path}`), Buffer.from(path));
    };
    own(`/${name}`).addProcess(qemu.pid);
    own(`/${name}/fast`).write('cgroup.type', 'threaded').addThread((await qemu.qmp.vcpus())['0']!);
    const { raw } = await collectModel();
    const { model } = await modelOf({ ...raw, files: new Map(raw.files).set('/proc/1/comm', 'systemd\n') });
    const findings = found('threaded-directly-under-unit', model);
    assert.deepEqual([findings[0]?.severity, said(findings)], ['warning', `threads are in groups right below ${name}: systemd can put no process of its own there`]);
    assert.deepEqual(findings[0]!.threads.map(({ role }) => role.kind), ['vcpu']);
  });
});
