import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ApplyDecoder } from '../../../src/core/apply/applyDecoder';
import { errnoOf } from '../../../src/core/apply/errnoOf';
import { ApplyError, SshError } from '../../../src/core/errors';
import type { Plan, Step } from '../../../src/core/plan/plan';

const task = { tid: 5, pid: 4, startTime: 3, comm: 'x' };
const step: Step = { action: { kind: 'affinity', task, cpus: '0' }, preconditions: [{ kind: 'alive', task }, { kind: 'allowed', task, cpus: ['0-1'] }], outcomes: [], before: '0-1', undo: { kind: 'exact', because: undefined, actions: [] } };
const plan = (steps: number): Plan => ({ title: 't', hostId: 'h', hostLabel: 'h', machine: undefined, readAt: 1, steps: Array.from({ length: steps }, () => step), warnings: [], consent: { kind: 'apply' }, asRoot: false });
const FIRST = '\n=cgroup-lens-apply 1\n';

function decode(text: string, steps = 3, pieces = 1): ReturnType<ApplyDecoder['finish']> {
  const decoder = new ApplyDecoder(plan(steps));
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / pieces)) decoder.push(bytes.subarray(at, at + Math.ceil(bytes.length / pieces)));
  return decoder.finish('', 'web1');
}

describe('the answer to a plan', () => {
  const cases: [string, string, string[], boolean, string[]][] = [
    ['all is done', '=done 1 \n=read 1 0\n=done 2 \n=done 3 \n=read 3 1\n=end\n', ['done 0', 'done', 'done 1'], true, []],
    ['places are read at the end', '=done 1 \n=done 2 \n=done 3 \n=read 1 /a\n=read 2 /b\n=read 3 /c\n=end\n', ['done /a', 'done /b', 'done /c'], true, []],
    ['the second is refused', '=done 1 \n=refused 2 cat: write error: No space left on device\n=end\n', ['done', 'refused ENOSPC', 'not done'], true, []],
    ['the second is not as it was', '=done 1 \n=changed 2 1 0-3\n=end\n', ['done', 'changed meanwhile 0-3 allowed', 'not done'], true, []],
    ['its task is gone', '=changed 1 0 \n=end\n', ['changed meanwhile alive', 'not done', 'not done'], true, []],
    ['a tool is missing', '=cannot 3 virsh is not here\n=end\n', ['not done', 'not done', 'refused EUNKNOWN'], true, []],
    ['no root', '=root \n=end\n', ['refused EPERM', 'not done', 'not done'], true, []],
    ['cut after the first', '=done 1 \n', ['done', 'unknown', 'unknown'], false, []],
    ['cut in a line', '=done 1 \n=done 2', ['done', 'unknown', 'unknown'], false, []],
    ['cut behind a refusal', '=done 1 \n=refused 2 x: Invalid argument\n', ['done', 'refused EINVAL', 'not done'], false, []],
    ['cut at once', '', ['unknown', 'unknown', 'unknown'], false, []],
    ['a remark, and what is no frame', '=remark not known\nbash: warning\n=done 1 \n=done 9 \n=end\n', ['done', 'not done', 'not done'], true, ['not known', 'bash: warning', 'done 9']],
    ['what comes behind the end is not heard', '=end\n=done 1 \n', ['not done', 'not done', 'not done'], true, []],
    ['a text of many lines', '=done 1 \n=said 1 one\n=+ =done 2 \n=+ \n=+ four\n=end\n', ['done'].concat('not done', 'not done'), true, []],
  ];
  for (const [name, text, states, complete, remarks] of cases) {
    for (const pieces of [1, 3, 1000]) {
      it(`${name}, in ${pieces === 1 ? 'one piece' : `up to ${pieces} pieces`}`, () => {
        const applied = decode(FIRST + text, 3, pieces);
        assert.deepEqual(applied.steps.map(({ state, errno, found, precondition }) => [state, errno, found, precondition?.kind].filter(Boolean).join(' ')), states);
        assert.deepEqual([applied.complete, applied.remarks], [complete, remarks]);
      });
    }
  }

  it('a text of many lines is whole, and none of it a frame', () => {
    const { steps } = decode(`${FIRST}=done 1 \n=said 1 one\n=+ =done 2 \n=+ \n=+ four\n=end\n`);
    assert.deepEqual(steps.map(({ state, said }) => [state, said]), [['done', 'one\n=done 2 \n\nfour'], ['not done', undefined], ['not done', undefined]]);
  });

  it('a path of any bytes is kept', () => {
    assert.equal(decode(`${FIRST}=done 1 \n=read 1 /a\xff\n=end\n`).steps[0]!.found, '/a\udcff');
  });

  it('what a login shell prints before is not ours', () => {
    assert.equal(decode(`Welcome\n=done 1 \n${FIRST}=end\n`).steps[0]!.state, 'not done');
  });

  it('something else: an error, for nothing was done', () => {
    assert.throws(() => decode('This account is not available.\n'), (error: unknown) => ApplyError.is(error) && error.details.said === 'This account is not available.');
  });

  it('broken: what was heard is kept, and why it broke is said', () => {
    const decoder = new ApplyDecoder(plan(2));
    decoder.push(Buffer.from(`${FIRST}=done 1 \n=read 1 0\n`));
    const { steps, complete, remarks } = decoder.broken(new SshError('connection-lost', { host: 'web1', said: 'x' }));
    assert.deepEqual([steps.map(({ state, found }) => [state, found]), complete, remarks.length], [[['done', '0'], ['unknown', undefined]], false, 1]);
  });

  it('any bytes at all: never an exception but that one, and never more results than steps', () => {
    const line = fc.oneof(fc.constantFrom('=done 1 ', '=done 2 ', '=read 1 x', '=refused 2 ', '=changed 1 7 ', '=changed 1 0 y', '=+ z', '=end', '=root ', '', '=', '=done', '=done 99999999999999999999 '), fc.string());
    fc.assert(fc.property(fc.array(line), lines => {
      const { steps } = decode(`${FIRST}${lines.join('\n')}\n`, 2);
      assert.equal(steps.length, 2);
    }));
  });
});

describe('the errno that a tool names', () => {
  const cases: [string, string][] = [
    ['cat: write error: No space left on device', 'ENOSPC'],
    ['cat: write error: Device or resource busy', 'EBUSY'],
    ['cat: standard output: Invalid argument', 'EINVAL'],
    ['sh: 12: cannot create /sys/fs/cgroup/cpu/a: Permission denied/tasks: Directory nonexistent', 'ENOENT'],
    ["mkdir: cannot create directory '/x: Permission denied': File exists", 'EEXIST'],
    ["taskset: failed to set pid 5's affinity: Operation not permitted", 'EPERM'],
    ["taskset: can't set pid 5's affinity: No such process", 'ESRCH'],
    ['python3: Invalid argument', 'EINVAL'],
    ['No such file or directory', 'ENOENT'],
    ['cat: write error: Not supported', 'EOPNOTSUPP'],
    ['renice: failed to set priority for 5 (process ID): Permission denied\n', 'EACCES'],
    ['error: Requested operation is not valid: domain is not running', 'EUNKNOWN'],
    ['', 'EUNKNOWN'],
  ];
  for (const [said, errno] of cases) it(`${errno}: ${said.trim()}`, () => assert.equal(errnoOf(said), errno));
});
