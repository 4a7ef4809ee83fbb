import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseTaskStat, taskFlags } from '../../../src/core/parse/taskStat';
import { statText } from '../fixtures';

/** vCPU 0 of guest-v2, whole, as the kernel wrote it. */
const VCPU =
  '528 (CPU 0/TCG) R 1 518 518 0 -1 138412224 4461 0 0 0 3902 93 0 0 20 0 9 0 31622 1005756416 15101 18446744073709551615 94401656348672 94401662209109 140736151964928 0 0 0 2147220087 4096 16451 0 0 0 -1 0 0 0 0 7 0 94401665321208 94401670525360 94402236301312 140736151972540 140736151973547 140736151973547 140736151973852 0\n';

describe('/proc/PID/task/TID/stat', () => {
  it('gives each field by its number in proc(5)', () => {
    assert.deepEqual(parseTaskStat(VCPU), {
      tid: 528,
      comm: 'CPU 0/TCG',
      state: 'R',
      ppid: 1,
      flags: 138412224,
      utime: 3902,
      stime: 93,
      priority: 20,
      nice: 0,
      startTime: 31622,
      processor: 0,
      rtPriority: 0,
      policy: 'other',
      guestTime: 7,
    });
  });

  const names: Readonly<Record<string, string>> = {
    'a name with spaces': 'IO mon_iothread',
    'a name with parentheses': 'a(b)c',
    'a name that ends with a parenthesis': 'kworker)',
    'a name that is nothing but parentheses': ')(',
    'an empty name': '',
    'a name with a newline': 'two\nlines',
    'a name that forges the fields behind it': ') R 1 2 3',
    'a name that forges a whole line': 'x) S 1\n1 (y',
    'a name with a carriage return and other controls': 'a\rb\x01\x1b[2J',
    'a name with a broken byte': 'io\udcff',
    'a kernel thread with a longer name': 'kvm-nx-lpage-recovery-519',
  };
  for (const [name, comm] of Object.entries(names)) {
    it(`reads ${name}`, () => {
      const stat = parseTaskStat(statText(519, comm, { 3: 'D', 4: 42, 22: 31477, 39: 5 }));
      assert.deepEqual([stat?.tid, stat?.comm, stat?.state, stat?.ppid, stat?.startTime, stat?.processor], [519, comm, 'D', 42, 31477, 5]);
    });
  }

  it('reads any name that the kernel can give a task', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 15 }), comm => assert.equal(parseTaskStat(statText(7, comm, { 22: 9 }))?.comm, comm)),
      { numRuns: 1000 },
    );
  });

  const policies: readonly (readonly [number, string])[] = [[0, 'other'], [1, 'fifo'], [2, 'rr'], [3, 'batch'], [5, 'idle'], [6, 'deadline'], [7, 'ext'], [8, 'unknown'], [99, 'unknown']];
  for (const [number, policy] of policies) it(`policy ${number} is ${policy}`, () => assert.equal(parseTaskStat(statText(1, 'x', { 41: number }))?.policy, policy));

  it('reads real-time and deadline priorities, which are negative', () => {
    const stat = parseTaskStat(statText(1, 'x', { 18: -51, 40: 50, 41: 1, 19: -20 }));
    assert.deepEqual([stat?.priority, stat?.rtPriority, stat?.policy, stat?.nice], [-51, 50, 'fifo', -20]);
  });

  it('keeps the bits of the flags word apart', () => {
    const stat = parseTaskStat(statText(1, 'x', { 9: 0x04004010 }))!;
    assert.deepEqual([stat.flags & taskFlags.ioWorker, stat.flags & taskFlags.userWorker, stat.flags & taskFlags.kernelThread, stat.flags & taskFlags.noSetAffinity], [0x10, 0x4000, 0, 0x04000000]);
  });

  const broken: Readonly<Record<string, string>> = {
    'an empty text': '',
    'a text without a name': '519 S 1 2',
    'a name that is not closed': '519 (qemu',
    'a text that broke off in the fields': VCPU.slice(0, 120),
    'a text that broke off behind the name': '519 (qemu)',
    'no number in front': ' (qemu) S 1',
    'a number that is no number': statText(519, 'x', { 22: '12x' }),
    'a number beyond what can be counted exactly': statText(519, 'x', { 22: '99999999999999999999' }),
    'a state that is no letter': statText(519, 'x', { 3: '7' }),
  };
  for (const [name, text] of Object.entries(broken)) it(`refuses ${name}`, () => assert.equal(parseTaskStat(text), undefined));

  it('never gives half a thread, wherever the text was cut', () => {
    for (let end = 0; end < VCPU.length; end++) {
      const stat = parseTaskStat(VCPU.slice(0, end));
      if (stat) assert.ok(end > VCPU.indexOf(' 7 0 '), `a thread out of ${end} characters`);
    }
  });
});
