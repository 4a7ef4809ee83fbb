import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { HistoryFile } from '../../../src/core/apply/historyFile';
import type { Plan } from '../../../src/core/plan/plan';
import { cli } from './support';

const plan: Plan = { title: 'the older one', hostId: 'local', hostLabel: hostname(), machine: undefined, readAt: 1, warnings: [], consent: { kind: 'apply' }, asRoot: false, steps: [] };

describe('a history that cannot be read to its end', () => {
  let state: string;
  let file: HistoryFile;
  const before = process.env['XDG_STATE_HOME'];
  beforeEach(async () => {
    process.env['XDG_STATE_HOME'] = state = mkdtempSync(join(tmpdir(), 'cgroup-lens-state-'));
    file = new HistoryFile(join(state, 'cgroup-lens'), 'local');
    await file.append({ v: 1, at: 1, id: 'older', event: 'started', plan });
    appendFileSync(file.path, '{"v":2,"at":2,"id":"newer","event":"started"}\n{"v":1,"id":"to');
  });
  afterEach(() => {
    if (before === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = before;
    rmSync(state, { recursive: true, force: true });
  });

  it('undo takes back no older plan unasked', async () => {
    const { code, stdout, stderr } = await cli('undo', '--yes');
    assert.deepEqual([code, stdout], [1, '']);
    assert.equal(stderr, `2 lines of ${file.path} cannot be read: torn, of a newer version, or of somebody else. The last plan may be among them: name the one to undo; see: cgroup-lens history\n`);
  });

  it('history says so beside what it can read', async () => {
    const { code, stdout, stderr } = await cli('history');
    assert.equal(code, 0);
    assert.match(stdout, /^older {2}[^\n]* {2}the older one\n$/);
    assert.equal(stderr, `2 lines of ${file.path} cannot be read: torn, of a newer version, or of somebody else\n`);
  });
});
