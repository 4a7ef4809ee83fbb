import assert from 'node:assert/strict';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyQuestion } from '../../src/core/apply/apply';
import type { Applied } from '../../src/core/plan/applied';
import { ApplyError, SshError } from '../../src/core/errors';
import type { SshHost } from '../../src/core/host/sshHost';
import type { Plan, Step } from '../../src/core/plan/plan';
import { type OwnCgroup, makeCgroup } from '../kernel/support/cgroups';
import { cleanUp, newFolder } from '../kernel/support/cleanUp';
import { CGROUP_NAMES } from '../kernel/support/hostile';
import { namedThreads } from '../kernel/support/helper';
import { inWords, moveStep, pinStep, placeOf, planOf, stepOf, taskOf, undoOf } from '../kernel/support/plans';
import { affinityOf } from '../kernel/support/readers';
import { type Wanted, collect, disconnectAll, fails, hostOf, sourceOf } from './support/client';
import { Link, roundTrips } from './support/proxy';
import { Sshd, type SshdOptions, makeKey } from './support/sshd';

describe('a plan over SSH', () => {
  const links: Link[] = [];
  let key: string;
  let threads: { readonly pid: number; readonly tids: number[] };
  let from: OwnCgroup;
  let to: OwnCgroup;
  beforeEach(async () => {
    key = makeKey(join(newFolder('client'), 'id'));
    threads = await namedThreads(Array.from({ length: 40 }, (_, i) => Buffer.from(`CPU ${i}/KVM`)));
    [from, to] = [makeCgroup('cpu', 'over ssh', 'from'), makeCgroup('cpu', 'over ssh', 'to')];
    for (const tid of threads.tids) from.addThread(tid);
  });
  afterEach(async () => {
    disconnectAll();
    for (const link of links.splice(0)) link.close();
    await cleanUp();
  });

  const startSshd = (options: SshdOptions = {}): Promise<Sshd> => Sshd.startFor(key, options);
  const wanted = (sshd: Sshd, more: Wanted = {}): Wanted => ({ identityFiles: [key], knownHostsFiles: [sshd.known()], ...more });
  const apply = (host: SshHost, plan: Plan, signal = new AbortController().signal): Promise<Applied> => sourceOf(host).ask(applyQuestion(plan), signal);
  const move = (i: number): Step => moveStep(taskOf(threads.pid, threads.tids[i]), from, to);
  const moves = (): Step[] => threads.tids.map((_, i) => move(i));
  const place = (i: number): string | undefined => placeOf(taskOf(threads.pid, threads.tids[i]), 'cpu');
  const waits = stepOf({ kind: 'tool', argv: ['sleep', '3600'] }, [], []);
  /** Then all before it is done, and told; that has to get here. */
  const isWaiting = async (sshd: Sshd): Promise<void> => {
    while (!sshd.processes().some(({ command }) => command.startsWith('sleep 3600'))) await sleep(10);
    await sleep(500);
  };

  for (const [user, shell] of [['op', 'bash'], ['fisher', 'fish'], ['seashell', 'csh'], ['banner', 'a banner']] as const) {
    it(`a user who may become root, with ${shell} as login shell: done, read back, undone`, async () => {
      const sshd = await startSshd({ setUp: [`printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\\n' ${user} >>/etc/sudoers`] });
      const host = hostOf(sshd, wanted(sshd, { user }));
      await collect(host); // a shell of the collector waits
      const steps = [...moves(), pinStep(taskOf(threads.pid, threads.tids[0]), '1')];
      const { steps: results, complete, remarks } = await apply(host, planOf(steps, { asRoot: true }));
      assert.deepEqual({ complete, remarks, states: new Set(results.map(inWords)) }, { complete: true, remarks: [], states: new Set(['done']) });
      assert.ok(results.slice(0, -1).every(({ found }) => found === to.path));
      assert.deepEqual([threads.tids.every((_, i) => place(i) === to.path), affinityOf(threads.tids[0]!)], [true, [1]]);
      const back = await apply(host, { ...undoOf(steps), asRoot: true });
      assert.ok(back.steps.every(({ state }) => state === 'done'));
      assert.ok(threads.tids.every((_, i) => place(i) === from.path));
      assert.ok((await collect(host)).collection.complete);
      host.disconnect();
      await sshd.nothingLeft();
    });
  }

  it('names of any bytes get there as they are', async () => {
    const sshd = await startSshd();
    const host = hostOf(sshd, wanted(sshd));
    const cgroups = CGROUP_NAMES.map(name => makeCgroup('cpu', 'over ssh', name));
    const steps = cgroups.map((cgroup, i) => moveStep(taskOf(threads.pid, threads.tids[0]), cgroups[i - 1] ?? from, cgroup));
    const { steps: results } = await apply(host, planOf(steps, { asRoot: true }));
    assert.deepEqual(results.map(({ state, found }) => [state, found]), cgroups.map(({ path }) => ['done', path]));
  });

  it('a user who may not: said by name, before anything is written', async () => {
    const sshd = await startSshd();
    const host = hostOf(sshd, wanted(sshd, { user: 'second' }));
    const { steps, complete, remarks } = await apply(host, planOf([move(0), move(1)], { asRoot: true }));
    assert.ok(complete);
    assert.deepEqual(steps.map(inWords), ['refused EPERM', 'not done']);
    assert.match(remarks.join(), /sudo: a password is required/);
    assert.equal(place(0), from.path);
  });

  it('as the user where root is not wanted: what they may is done, what not is refused', async () => {
    const sshd = await startSshd();
    const closed = await apply(hostOf(sshd, wanted(sshd)), planOf([move(0)]));
    assert.deepEqual(closed.steps.map(inWords), ['refused EACCES']);
    chownSync(`${String(to.directory)}/tasks`, 61_700, 61_700);
    // v1 lets nobody but root move another user's task.
    assert.deepEqual((await apply(hostOf(sshd, wanted(sshd)), planOf([move(0)]))).steps.map(inWords), ['refused EACCES']);
    assert.equal(place(0), from.path);
  });

  it('however many the steps: as many round trips as one step has', async () => {
    const sshd = await startSshd();
    const link = await Link.to(sshd.port, 25);
    links.push(link);
    const host = hostOf(link, wanted(sshd, { unknownHostKeys: 'accept-new' }));
    await collect(host);
    const counted = async (steps: readonly Step[]): Promise<number> => {
      for (let before = -1; before !== link.passed.length; await sleep(500)) before = link.passed.length;
      link.passed.length = 0;
      const passed = link.passed;
      const { complete } = await apply(host, planOf(steps, { asRoot: true }));
      assert.ok(complete);
      return roundTrips([...passed]);
    };
    assert.ok((await counted(moves().slice(1))) <= (await counted([move(0)])) + 1);
  });

  it('cut in the middle: what was done is known, the rest is unknown, nothing is done twice, and what ran there ends', async () => {
    const sshd = await startSshd();
    const link = await Link.to(sshd.port);
    links.push(link);
    const host = hostOf(link, wanted(sshd, { unknownHostKeys: 'accept-new' }));
    const applying = apply(host, planOf([move(0), move(1), waits, move(2)], { asRoot: true }));
    await isWaiting(sshd);
    link.cut();
    const { steps, complete, remarks } = await applying;
    assert.equal(complete, false);
    assert.deepEqual(steps.map(inWords), ['done', 'done', 'unknown', 'unknown']);
    assert.match(remarks.join(), /the connection was lost/);
    await sshd.nothingLeft();
    assert.equal(place(2), from.path);
    assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'it was not asked again');
  });

  it('not a word was heard before it was cut: all is unknown, and it is not done again on another connection', async () => {
    const sshd = await startSshd();
    const link = await Link.to(sshd.port);
    links.push(link);
    const host = hostOf(link, wanted(sshd, { unknownHostKeys: 'accept-new' }));
    await collect(host);
    const shellWaits = (): boolean => sshd.processes().some(({ command }) => command.split(' ')[0] === 'sh');
    for (let before = -1; before !== link.passed.length || !shellWaits(); await sleep(300)) before = link.passed.length; // its prelude has been sent
    link.goDeafAfter(4000); // a channel is opened with less; a script is more
    const applying = apply(host, planOf([move(0)], { asRoot: true }));
    while (place(0) !== to.path) await sleep(5);
    from.addThread(threads.tids[0]!); // by somebody else
    link.cut();
    const { steps, complete } = await applying;
    assert.deepEqual([steps.map(inWords), complete], [['unknown'], false]);
    await sleep(500);
    assert.equal(place(0), from.path, 'it was done twice');
    assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 1);
  });

  it('lost while nobody used it: connected anew, for nothing was begun', async () => {
    const sshd = await startSshd();
    const host = hostOf(sshd, wanted(sshd));
    await collect(host);
    sshd.cut();
    await sshd.nothingLeft();
    const { steps } = await apply(host, planOf([move(0)], { asRoot: true }));
    assert.deepEqual(steps.map(inWords), ['done']);
    assert.equal(sshd.log().match(/Accepted publickey/g)?.length, 2);
  });

  it('cancelled in the middle: what was done is known, and what ran there ends', async () => {
    const sshd = await startSshd();
    const host = hostOf(sshd, wanted(sshd));
    const abort = new AbortController();
    const applying = apply(host, planOf([move(0), waits, move(1)], { asRoot: true }), abort.signal);
    await isWaiting(sshd);
    abort.abort();
    const { steps, complete } = await applying;
    assert.equal(complete, false);
    assert.deepEqual(steps.map(inWords), ['done', 'unknown', 'unknown']);
    host.disconnect();
    await sshd.nothingLeft();
    assert.equal(place(1), from.path);
  });

  it('not connected: an error, and nothing is unknown', async () => {
    const sshd = await startSshd();
    await sshd.stop();
    assert.ok(SshError.is(await fails(apply(hostOf(sshd, wanted(sshd)), planOf([move(0)]))), 'unreachable'));
  });

  it('a host that answers something else: an error that says that nothing was changed', async () => {
    const sshd = await startSshd({ config: ['ForceCommand echo "This is FreeBSD"'] });
    const error = await fails(apply(hostOf(sshd, wanted(sshd)), planOf([move(0)])));
    assert.ok(ApplyError.is(error), String(error));
    assert.equal(error.details.said, 'This is FreeBSD');
  });
});
