import assert from 'node:assert/strict';
import { chownSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { whatWasDone } from '../../src/core/apply/found';
import type { Step } from '../../src/core/plan/plan';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp, commandOf, end, required, start } from './support/cleanUp';
import { asNobody, collectModel, inPrivateMounts } from './support/collect';
import { namedThreads } from './support/helper';
import { applied, apply, applyThrough, inWords, makeStep, moveStep, pinStep, placeOf, planOf, scheduleStep, schedulingOf, stepOf, taskOf, valueStep } from './support/plans';
import { type PlacedQemu, placedQemu } from './support/placedQemu';
import { affinityOf, run, tidsOf } from './support/readers';
import { SHELLS, shellFolder, withPrograms } from './support/tools';

describe('a plan when something else happens', () => {
  let placed: PlacedQemu;
  before(async () => {
    placed = await placedQemu('faults');
    run('chrt', '--other', '-p', '0', String(placed.vcpus['1']));
  });
  after(cleanUp);

  const cpuOf = (vcpu: string): OwnCgroup => placed.places.get(placed.vcpus[vcpu]!)!.cpu;
  const move = (vcpu: string, to: string): Step => moveStep(taskOf(placed.qemu.pid, placed.vcpus[vcpu]!), cpuOf(vcpu), cpuOf(to));
  const place = (vcpu: string): string | undefined => placeOf(taskOf(placed.qemu.pid, placed.vcpus[vcpu]!), 'cpu');
  const back = (vcpu: string): void => cpuOf(vcpu).addThread(placed.vcpus[vcpu]!);

  it('the thread exits between the plan and its application: it stops there', async () => {
    await placed.qemu.qmp.execute('object-add', { 'qom-type': 'iothread', id: 'brief' });
    const tid = (await placed.qemu.qmp.ioThreads())['brief']!;
    const step = moveStep(taskOf(placed.qemu.pid, tid), placed.own.cpu, cpuOf('0'));
    placed.own.cpu.addThread(tid);
    await placed.qemu.qmp.execute('object-del', { id: 'brief' });
    while (tidsOf(placed.qemu.pid).includes(tid)) await sleep(5);
    const { steps } = await apply(planOf([move('0', '1'), step, move('2', '1')]));
    assert.deepEqual(steps.map(inWords), ['done', 'changed meanwhile alive', 'not done']);
    assert.equal(steps[1]!.found, undefined);
    assert.deepEqual([place('0'), place('2')], [cpuOf('1').path, cpuOf('2').path]);
    back('0');
  });

  it('another task has its TID: it is left alone', async () => {
    const [from, to] = [makeCgroup('cpu', 'reused'), makeCgroup('cpu', 'not here')];
    // In a PID namespace of its own a TID can be given again at once.
    const birth = 'echo 299 >/proc/sys/kernel/ns_last_pid; sleep 1000 & echo $!';
    const script = `mount -t proc proc /proc; ${birth}; a=$!; read -r _; kill -9 $a; wait $a; ${birth}; read -r _`;
    const child = start(required('unshare'), ['--pid', '--fork', '--kill-child', '--mount', '--propagation', 'private', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    let inside: readonly string[] = [];
    const born = async (): Promise<{ tid: number; startTime: number }> => {
      const tid = Number((await lines.next()).value);
      const shell = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')); // it has spoken: it is there
      inside = ['nsenter', '-t', String(shell), '-p', '-m', '--'];
      const stat = run(inside[0]!, ...inside.slice(1), 'cat', `/proc/${tid}/stat`);
      return { tid, startTime: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) };
    };
    const first = await born();
    run(inside[0]!, ...inside.slice(1), 'sh', '-c', `echo ${first.tid} >${from.directory.toString()}/cgroup.procs`);
    await sleep(30); // a start time is in hundredths of a second
    child.stdin!.write('\n');
    const second = await born();
    assert.equal(second.tid, first.tid, 'the TID was not given again');
    assert.notEqual(second.startTime, first.startTime);
    run(inside[0]!, ...inside.slice(1), 'sh', '-c', `echo ${first.tid} >${from.directory.toString()}/cgroup.procs`);
    const task = { ...first, pid: first.tid, comm: 'sleep' };
    const { steps } = await applyThrough(inside, planOf([moveStep(task, from, to)]));
    assert.deepEqual(steps.map(inWords), ['changed meanwhile alive']);
    assert.equal(steps[0]!.found, String(second.startTime));
    const now = { ...task, startTime: second.startTime };
    assert.deepEqual((await applyThrough(inside, planOf([moveStep(now, from, to)]))).steps.map(inWords), ['done'], 'it could have been moved');
    await end(child);
  });

  it('it was moved meanwhile: it stays there, and the plan says where', async () => {
    const step = move('0', '1');
    cpuOf('2').addThread(placed.vcpus['0']!);
    const { steps } = await apply(planOf([step]));
    assert.deepEqual(steps.map(({ state, found, precondition }) => [state, found, precondition?.kind]), [['changed meanwhile', cpuOf('2').path, 'place']]);
    assert.equal(place('0'), cpuOf('2').path);
    back('0');
  });

  it('affinity, policy or value changed meanwhile: nothing is written over it', async () => {
    const emulator = taskOf(placed.qemu.pid);
    const plans = [pinStep(emulator, '0'), scheduleStep(emulator, 'batch', 0, 0), valueStep(placed.own.cpu, 'cpu.shares', '500')];
    run('taskset', '-pc', '1', String(emulator.tid));
    run('renice', '3', '-p', String(emulator.tid));
    placed.own.cpu.write('cpu.shares', '600');
    const results = await Promise.all(plans.map(step => apply(planOf([step]))));
    assert.deepEqual(results.map(({ steps }) => [inWords(steps[0]!), steps[0]!.found]), [['changed meanwhile allowed', '1'], ['changed meanwhile scheduling', 'other 0 nice 3'], ['changed meanwhile value', '600']]);
    assert.deepEqual([affinityOf(emulator.tid), schedulingOf(emulator).nice, placed.own.cpu.read('cpu.shares')], [[1], 3, '600']);
    run('taskset', '-pc', '0-1', String(emulator.tid));
  });

  it('the target was removed, a cgroup to be made is there, one to be removed is not', async () => {
    const [gone, there] = [makeCgroup('cpu', 'gone'), makeCgroup('cpu', 'there')];
    const toGone = moveStep(taskOf(placed.qemu.pid, placed.vcpus['0']!), cpuOf('0'), gone);
    rmdirSync(gone.directory);
    for (const [step, words] of [[toGone, 'refused ENOENT'], [makeStep(there), 'changed meanwhile absent'], [stepOf({ kind: 'remove', cgroup: { hierarchy: 'cpu', path: gone.path, directory: String(gone.directory) } }, [], []), 'refused ENOENT']] as const) {
      assert.deepEqual((await apply(planOf([step]))).steps.map(inWords), [words]);
    }
    assert.equal(place('0'), cpuOf('0').path);
  });

  it('the script is killed in the middle: what was done before is known, the rest is found out from the next model', async () => {
    const abort = new AbortController();
    const forLong = String(1_000_000 + process.pid);
    const plan = planOf([move('0', '1'), move('2', '1'), stepOf({ kind: 'tool', argv: ['sleep', forLong] }, [], []), move('3', '1')]);
    const applying = apply(plan, abort.signal);
    while (!readdirSync('/proc').some(pid => commandOf(Number(pid)) === `sleep ${forLong} `)) await sleep(5); // then all before it is told
    await sleep(100);
    abort.abort();
    const { steps, complete, remarks } = await applying;
    assert.equal(complete, false);
    assert.deepEqual(steps.map(inWords), ['done', 'done', 'unknown', 'unknown']);
    assert.match(remarks.join(), /cancelled/);
    const { model } = await collectModel();
    const nothingHeard = steps.map(step => ({ ...step, state: 'unknown' as const }));
    assert.deepEqual(whatWasDone(plan, model, nothingHeard).map(({ state, found }) => [state, found]), [['done', cpuOf('1').path], ['done', cpuOf('1').path], ['unknown', undefined], ['not done', cpuOf('3').path]]);
    back('0');
    back('2');
  });

  it('two at once: each thread is moved, and no plan writes over what the other did', async () => {
    const { pid, tids } = await namedThreads(Array.from({ length: 60 }, (_, i) => Buffer.from(`CPU ${i}/KVM`)));
    const [from, one, other] = ['from', 'one', 'other'].map(name => makeCgroup('cpu', 'both', name)) as [OwnCgroup, OwnCgroup, OwnCgroup];
    for (const tid of tids) from.addThread(tid);
    const plans = [one, other].map(to => planOf(tids.map(tid => moveStep(taskOf(pid, tid), from, to))));
    const results = await Promise.all(plans.map(plan => apply(plan)));
    const places = tids.map(tid => placeOf(taskOf(pid, tid), 'cpu'));
    for (const [i, { steps, complete }] of results.entries()) {
      assert.ok(complete);
      const done = steps.filter(({ state }) => state === 'done').length;
      assert.deepEqual(steps.map(({ state }) => state), tids.map((_, k) => (k < done ? 'done' : k === done ? 'changed meanwhile' : 'not done')), `plan ${i}`);
    }
    const furthest = Math.max(...results.map(({ steps }) => steps.filter(({ state }) => state === 'done').length));
    assert.ok(places.slice(0, furthest).every(path => path === one.path || path === other.path));
    assert.ok(places.slice(furthest).every(path => path === from.path));
  });

  for (const shell of SHELLS) {
    it(`permission denied at the second of three steps, in ${shell}`, async () => {
      const mine = start(required('setpriv'), ['--reuid=65534', '--regid=65534', '--clear-groups', 'sleep', '1000']);
      const [from, to, closed] = [makeCgroup('cpu', `from ${shell}`), makeCgroup('cpu', `to ${shell}`), makeCgroup('cpu', `closed ${shell}`)];
      from.addProcess(mine.pid);
      while (run('ps', '-o', 'euid=', '-p', String(mine.pid)).trim() !== '65534') await sleep(5);
      chownSync(`${String(to.directory)}/tasks`, 65534, 65534);
      const task = taskOf(mine.pid);
      const { steps, complete } = await applyThrough([...asNobody(), 'env', `PATH=${shellFolder(shell)}:${process.env['PATH']}`], planOf([moveStep(task, from, to), moveStep(task, to, closed), moveStep(task, closed, from)]));
      assert.ok(complete);
      assert.deepEqual(steps.map(inWords), ['done', 'refused EACCES', 'not done']);
      assert.equal(steps[0]!.found, to.path);
      assert.equal(placeOf(task, 'cpu'), to.path);
      await end(mine);
    });
  }

  it('root is needed, and sudo does not help: said before anything is written', async () => {
    const { steps, complete } = await applyThrough(asNobody(), planOf([move('0', '1'), move('2', '1')], { asRoot: true }));
    assert.ok(complete);
    assert.deepEqual(steps.map(inWords), ['refused EPERM', 'not done']);
    assert.equal(place('0'), cpuOf('0').path);
  });

  describe('with what a host has', () => {
    const few = { sh: 'dash', awk: 'mawk', cat: 'cat', mkdir: 'mkdir', rmdir: 'rmdir' };
    const emulator = (): ReturnType<typeof taskOf> => taskOf(placed.qemu.pid);

    it('no tool for affinity: said by name, and nothing is written', async () => {
      const { steps } = await applyThrough(withPrograms(few), planOf([move('0', '1'), pinStep(emulator(), '1')]));
      assert.deepEqual(steps.map(inWords), ['not done', 'refused EUNKNOWN none of taskset, busybox taskset, python3 and perl is here']);
      assert.equal(place('0'), cpuOf('0').path);
    });

    it('no tool for scheduling, no virsh: the same', async () => {
      const schedule = await applyThrough(withPrograms(few), planOf([move('0', '1'), scheduleStep(emulator(), 'batch', 0, 0)]));
      assert.deepEqual(schedule.steps.map(inWords), ['not done', 'refused EUNKNOWN none of chrt with renice, python3 and perl is here']);
      const virsh = await applyThrough(withPrograms(few), planOf([move('0', '1'), stepOf({ kind: 'tool', argv: ['virsh', 'vcpupin'] }, [], [])]));
      assert.deepEqual(virsh.steps.map(inWords), ['not done', 'refused EUNKNOWN virsh is not here']);
      assert.equal(place('0'), cpuOf('0').path);
    });

    for (const [name, programs] of [['taskset', { taskset: 'taskset' }], ['a taskset of busybox', { taskset: 'busybox' }], ['busybox', { busybox: 'busybox' }], ['python3', { python3: 'python3' }], ['perl', { perl: 'perl' }]] as const) {
      it(`affinity by ${name}: done, refused with its errno, and never where it changed meanwhile`, async () => {
        const with_ = withPrograms({ ...few, ...programs });
        const [there, away] = [pinStep(emulator(), '1'), pinStep(emulator(), '0')];
        const done = await applied(planOf([there]), with_);
        assert.equal(done[0]!.found, '1');
        assert.deepEqual(affinityOf(placed.qemu.pid), [1]);
        assert.deepEqual((await applyThrough(with_, planOf([away]))).steps.map(inWords), ['changed meanwhile allowed']);
        assert.deepEqual((await applyThrough(with_, planOf([pinStep(emulator(), '63')]))).steps.map(inWords), ['refused EINVAL']);
        await applied(planOf([pinStep(emulator(), '0-1')]), with_);
        assert.deepEqual(affinityOf(placed.qemu.pid), [0, 1]);
      });
    }

    for (const [name, programs] of [['chrt and renice', { chrt: 'chrt', renice: 'renice' }], ['python3', { python3: 'python3' }], ['perl', { perl: 'perl' }]] as const) {
      it(`scheduling by ${name}: done, refused with its errno and put back, and never where it changed meanwhile`, async () => {
        const with_ = withPrograms({ ...few, ...programs });
        const first = schedulingOf(emulator());
        const stale = scheduleStep(emulator(), 'idle', 0, 0);
        const done = await applied(planOf([scheduleStep(emulator(), 'batch', 0, 9)]), with_);
        assert.equal(done[0]!.found, 'batch 0 nice 9');
        assert.deepEqual(schedulingOf(emulator()), { policy: 'batch', priority: 0, nice: 9 });
        assert.deepEqual((await applyThrough(with_, planOf([stale]))).steps.map(inWords), ['changed meanwhile scheduling']);
        await applied(planOf([scheduleStep(emulator(), 'rr', 7, 0)]), with_);
        assert.deepEqual(schedulingOf(emulator()), { policy: 'rr', priority: 7, nice: 9 });
        assert.match(inWords((await applyThrough(with_, planOf([scheduleStep(emulator(), 'fifo', 100, 0)]))).steps[0]!), /^refused (EINVAL|EUNKNOWN .*unsupported priority)/);
        await applied(planOf([scheduleStep(emulator(), 'other', 0, first.nice)]), with_);
        assert.deepEqual(schedulingOf(emulator()), first);
        assert.match(inWords((await applyThrough(with_, planOf([scheduleStep(emulator(), 'other', 5, 11)]))).steps[0]!), /^refused/);
        assert.deepEqual(schedulingOf(emulator()), first, 'the nice value was put back');
      });
    }

    it('libvirt works on the machine: nothing is written; where that is not to be seen, it is said', async () => {
      const status = (job: string): string[] => inPrivateMounts(`mount -t tmpfs tmpfs /run; mkdir -p /run/libvirt/qemu; cat >"/run/libvirt/qemu/a b'\\$(id).xml" <<'END'\n<domstatus state='running'>\n${job}  <devices/>\n</domstatus>\nEND`);
      const step = (): Step => ({ ...move('0', '1'), preconditions: [{ kind: 'idle', machine: "a b'$(id)" }, ...move('0', '1').preconditions] });
      const busy = await applyThrough(status("  <job type='modify' async='migration out' phase='perform'/>\n"), planOf([step()]));
      assert.deepEqual(busy.steps.map(({ state, found, precondition }) => [state, found, precondition?.kind]), [['changed meanwhile', "<job type='modify' async='migration out' phase='perform'/>", 'idle']]);
      assert.equal(place('0'), cpuOf('0').path);
      for (const job of ['', "  <job type='none' async='none'/>\n"]) {
        await applied(planOf([step()]), status(job));
        back('0');
      }
      const unseen = await applyThrough(inPrivateMounts('mount -t tmpfs tmpfs /run'), planOf([step()]));
      assert.deepEqual(unseen.steps.map(inWords), ['done']);
      assert.match(unseen.remarks.join(), /whether libvirt works on a b'\$\(id\) is not known/);
      back('0');
    });
  });
});
