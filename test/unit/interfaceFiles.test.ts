import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { interfaceFile, isWritable, writtenValue } from '../../src/core/interfaceFiles';

describe('interface files', () => {
  const cases: Record<string, { before: string; now: string; value: ReturnType<typeof writtenValue> }> = {
    'nothing changed': { before: 'max 100000\n', now: 'max 100000\n', value: undefined },
    'spaces': { before: 'max 100000\n', now: ' max 100000', value: undefined },
    'another value': { before: 'max 100000\n', now: '50000 100000\n', value: { value: '50000 100000' } },
    'emptied': { before: '0-3\n', now: '\n', value: { value: '' } },
    'filled': { before: '\n', now: '0-3', value: { value: '0-3' } },
    'one line of several': { before: 'default 100\n8:0 50\n', now: 'default 100\n8:0 60\n', value: { value: '8:0 60' } },
    'a line more': { before: 'default 100\n', now: 'default 100\n8:16 50\n', value: { value: '8:16 50' } },
    'two lines of several': { before: 'default 100\n8:0 50\n', now: 'default 200\n8:0 60\n', value: 'many' },
    'a line less': { before: 'default 100\n8:0 50\n', now: 'default 100\n', value: 'many' },
  };
  for (const [name, { before, now, value }] of Object.entries(cases)) it(name, () => assert.deepEqual(writtenValue(before, now), value));

  it('only what can be undone is written: never what kills, opens devices or limits memory', () => {
    for (const name of ['cgroup.kill', 'cgroup.procs', 'cgroup.threads', 'tasks', 'cgroup.type', 'cgroup.subtree_control', 'cpuset.cpus.exclusive', 'devices.allow', 'devices.deny', 'memory.max', 'memory.limit_in_bytes', 'release_agent', 'notify_on_release', 'cpuset.memory_migrate', 'constructor', '']) {
      assert.equal(isWritable(name), false, name);
    }
    for (const name of ['cpu.max', 'cpuset.cpus', 'cpuset.mems', 'pids.max', 'io.weight', 'cpu.shares', 'cpu.cfs_quota_us', 'cgroup.freeze', 'freezer.state', 'cpuset.cpus.partition']) assert.equal(isWritable(name), true, name);
  });

  it('every file that can be written is explained, and opens in the language that is never saved by itself', () => {
    const manifest = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8'));
    const { filenames } = manifest.contributes.languages.find((it: { id: string }) => it.id === 'cgroup-file') as { filenames: string[] };
    for (const name of filenames) assert.ok(isWritable(name) && interfaceFile(name), name);
    for (const name of ['cpu.max', 'cpuset.cpus', 'cpuset.mems', 'pids.max', 'io.weight', 'cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.weight', 'blkio.weight']) assert.ok(filenames.includes(name), name);
    assert.equal(interfaceFile('toString'), undefined);
  });
});
