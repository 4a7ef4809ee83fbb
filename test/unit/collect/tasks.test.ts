import assert from 'node:assert/strict';
import { tasksQuestion } from '../../../src/core/collect/tasks';
import type { RawTasks } from '../../../src/core/rawSnapshot';

const ANSWER = Buffer.concat([
  Buffer.from('Last login: never\n=cgroup-lens-tasks 1\n=t 1/task/1 0 0-7 systemd\n=t 70/task/71 1 2 a\\nb\\\\n =t 1\n=t 72/task/72 2 - kworker/2:1\n=t 73/task/73 1 0 '),
  Buffer.of(0xff),
  Buffer.from('\n=t 74/task/74 1 0 \n=i 24 e=2 c=0-7\n=i 25 e= c=-\n=n 24 eth0-rx-0\n=n 24 two words\n=n 99 nobody\n=user uid=1000(op) gid=1000\n=hides\n=end\n'),
]);

/** The answer in pieces of so many bytes. */
function decode(answer: Buffer, size = answer.length, stderr = ''): RawTasks {
  const decoder = tasksQuestion.decoder();
  for (let at = 0; at < answer.length; at += size) decoder.push(answer.subarray(at, at + size));
  return decoder.finish(stderr, 'test', { startedAt: 0, took: 1 });
}

describe('the answer about all tasks and interrupts', () => {
  const whole = decode(ANSWER);

  it('is decoded', () => {
    assert.deepEqual(whole.tasks.map(({ tid, pid, ppid, cpus, name }) => [tid, pid, ppid, cpus, name]), [
      [1, 1, 0, '0-7', 'systemd'], [71, 70, 1, '2', 'a\nb\\n =t 1'], [72, 72, 2, '-', 'kworker/2:1'], [73, 73, 1, '0', '\udcff'], [74, 74, 1, '0', ''],
    ]);
    assert.deepEqual(whole.interrupts, [{ irq: 24, effective: '2', configured: '0-7', handlers: ['eth0-rx-0', 'two words'] }, { irq: 25, effective: '', configured: undefined, handlers: [] }]);
    assert.deepEqual([whole.hides, whole.collection.complete, whole.collection.user, whole.collection.remarks], [true, true, { uid: 1000, name: 'op' }, []]);
  });

  for (const size of [1, 7, 64]) it(`is the same in pieces of ${size} bytes`, () => assert.deepEqual(decode(ANSWER, size), whole));

  it('that was begun anew tells each task once', () => {
    const twice = decode(Buffer.from('=cgroup-lens-tasks 1\n=t 1/task/1 0 0-7 systemd\n=t 70/task/71 1 2 old\n=t 1/task/1 0 0-7 systemd\n=t 70/task/71 1 3 new\n=end\n'));
    assert.deepEqual(twice.tasks.map(({ tid, cpus, name }) => [tid, cpus, name]), [[1, '0-7', 'systemd'], [71, '3', 'new']]);
  });

  it('that broke off is not complete', () => {
    const cut = decode(ANSWER.subarray(0, ANSWER.indexOf('=i 24')));
    assert.equal(cut.collection.complete, false);
    assert.equal(cut.tasks.length, 5);
  });

  it('says why a task could not be read, and that no interrupt is shown', () => {
    const { errors, interrupts } = decode(Buffer.from('=cgroup-lens-tasks 1\n=no-irq\n=end\n'), 99, 'grep: 9/status: Permission denied\n');
    assert.deepEqual([...errors], [['/proc/9/status', 'EACCES']]);
    assert.equal(interrupts, undefined);
  });

  it('that is none is an error', () => assert.throws(() => decode(Buffer.from('This account is not available.\n')), { name: 'CollectError', reason: 'not-an-answer' }));

  it('in other words is a remark', () => assert.match(decode(Buffer.from('=cgroup-lens-tasks 1\n=x 1\n')).collection.remarks[0]!, /=x 1/));
});
