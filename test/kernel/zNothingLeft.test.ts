import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { PREFIX, commandOf, markedProcesses, ownCgroups } from './support/cleanUp';

/** Mocha runs the files in the order of their names: this one is the last. */
describe('after all tests on the real kernel', () => {
  it('no cgroup of theirs is left in any hierarchy', () => assert.deepEqual(ownCgroups().map(String), []));

  it('no process of theirs is left', () => assert.deepEqual(markedProcesses().map(pid => `${pid} ${commandOf(pid)}`), []));

  it('no file and no mount of theirs is left', () => {
    assert.deepEqual(readdirSync(tmpdir()).filter(name => name.startsWith(PREFIX)), []);
    assert.deepEqual(readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(line => line.includes(PREFIX)), []);
  });
});
