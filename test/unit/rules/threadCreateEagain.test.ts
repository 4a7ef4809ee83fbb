import assert from 'node:assert/strict';
import { threadCreateEagain } from '../../../src/core/rules/threadCreateEagain';
import { SCOPE } from '../fixtures';
import { type HostChange, findingsOfRule } from './checkRule';
import { planned, read, said } from './said';

const pids = (path: string, current: number, max: number | 'max', refused?: number): HostChange => copy => {
  copy.files.set(`/sys/fs/cgroup${path}/pids.current`, `${current}\n`);
  copy.files.set(`/sys/fs/cgroup${path}/pids.max`, `${max}\n`);
  if (refused !== undefined) copy.files.set(`/sys/fs/cgroup${path}/pids.events`, `max ${refused}\n`);
};
const inWords = (texts: readonly string[]): string[] => texts.map(text => text.replaceAll(SCOPE, 'SCOPE'));

describe('thread-create-eagain', () => {
  it('a scope that is full: more tasks by its fix', async () => {
    const full = pids(SCOPE, 16, 16, 3);
    const found = await findingsOfRule(threadCreateEagain, 'guest-v2', full);
    assert.deepEqual(inWords(said(found)), ['warning: SCOPE has 16 of at most 16 tasks: no thread can be made [Allow 32 tasks in SCOPE]']);
    assert.deepEqual(read(found[0]!), ['/sys/fs/cgroupSCOPE/pids.max   16', '/sys/fs/cgroupSCOPE/pids.current   16', '/sys/fs/cgroupSCOPE/pids.events   max 3']);
    assert.deepEqual(inWords(await planned('guest-v2', full, found[0]!)), ['32 to pids.max of SCOPE']);
  });

  it('one that is nearly full, and a slice, which is its administrator\'s', async () => {
    assert.deepEqual(inWords(said(await findingsOfRule(threadCreateEagain, 'guest-v2', pids(SCOPE, 16200, 16384)))), ['warning: SCOPE has 16200 of at most 16384 tasks: 184 more can be made [Allow 32768 tasks in SCOPE]']);
    assert.deepEqual(said(await findingsOfRule(threadCreateEagain, 'guest-v2', pids('/machine.slice', 9, 9))), ['warning: /machine.slice has 9 of at most 9 tasks: no thread can be made']);
  });

  it('with room for all that QEMU makes by itself it is information, and a warning once one was refused', async () => {
    assert.deepEqual(inWords(said(await findingsOfRule(threadCreateEagain, 'guest-v2', pids(SCOPE, 15000, 16384)))), ['information: SCOPE has 15000 of at most 16384 tasks: 1384 more can be made [Allow 32768 tasks in SCOPE]']);
    assert.deepEqual((await findingsOfRule(threadCreateEagain, 'guest-v2', pids(SCOPE, 15000, 16384, 1))).map(({ severity }) => severity), ['warning']);
  });

  it('refused before, with room now: information', async () => {
    assert.deepEqual(inWords(said(await findingsOfRule(threadCreateEagain, 'guest-v2', pids(SCOPE, 9, 16384, 2)))), ['information: in SCOPE a new task was refused 2 times since it was made']);
    assert.deepEqual(inWords(said(await findingsOfRule(threadCreateEagain, 'guest-v2', pids(SCOPE, 9, 16384, 1)))), ['information: in SCOPE a new task was refused once since it was made']);
  });

  const silent: Record<string, HostChange> = {
    'a limit that is far away': pids(SCOPE, 14000, 16384, 0),
    'no limit': pids(SCOPE, 16384, 'max'),
    'what was refused to somebody else': pids('/machine.slice', 9, 'max', 5),
    'a limit alone, where the number of tasks cannot be read': copy => {
      pids(SCOPE, 1, 1)(copy);
      copy.files.delete(`/sys/fs/cgroup${SCOPE}/pids.current`);
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(threadCreateEagain, 'guest-v2', change), []));
});
