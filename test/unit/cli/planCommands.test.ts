import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { historyOf } from '../../../src/cli/history';
import { applyCommand } from '../../../src/cli/planCommands';
import { HistoryFile } from '../../../src/core/apply/historyFile';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../../../src/core/collect/script';
import type { Question, Source } from '../../../src/core/host/source';
import type { Applied } from '../../../src/core/plan/applied';
import type { Plan } from '../../../src/core/plan/plan';
import { snapshot } from '../fixtures';
import { cli } from './support';

/** A host on which the one step of each plan is done. */
const source: Source = {
  id: 'local',
  label: 'web1',
  kind: 'live',
  collect: () => Promise.resolve(snapshot('misplaced-vcpus')),
  ask: <T>(_: Question<T>) => Promise.resolve({ steps: [{ state: 'done', errno: undefined, found: undefined, said: undefined }], complete: true, remarks: [] } satisfies Applied as T),
};
const signal = new AbortController().signal;

describe('what is applied and undone', () => {
  const state = process.env['XDG_STATE_HOME'];
  let folder: string;
  beforeEach(() => {
    folder = process.env['XDG_STATE_HOME'] = mkdtempSync(join(tmpdir(), 'cgroup-lens-plans-'));
  });
  afterEach(() => {
    if (state === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = state;
    rmSync(folder, { recursive: true });
  });

  it('the result is written down before it is printed, for its reader may be gone', async () => {
    const { write } = process.stdout;
    const writeError = process.stderr.write;
    const gone = new Error('the reader is gone');
    process.stderr.write = () => true;
    process.stdout.write = () => {
      throw gone;
    };
    try {
      await assert.rejects(applyCommand({ source, names: { qemu: DEFAULT_QEMU_EXECUTABLES, managers: MANAGERS, helpers: HELPERS }, signal, limited: () => signal, describe: String, values: { yes: true, pin: ['vcpu2=0'] } }, 'serial'), gone);
    } finally {
      process.stdout.write = write;
      process.stderr.write = writeError;
    }
    const { entries } = await historyOf(source).read();
    assert.deepEqual(entries.map(({ applied }) => applied?.steps.map(({ state: of }) => of)), [['done']]);
  });

  it('undo takes a plan that is named, and never one of several', async () => {
    const history = new HistoryFile(join(folder, 'cgroup-lens'), 'local');
    const elsewhere = new HistoryFile(join(folder, 'cgroup-lens'), 'web2');
    const plan: Plan = { title: 'nothing', hostId: 'local', hostLabel: hostname(), machine: undefined, readAt: 0, steps: [], warnings: [], consent: { kind: 'apply' }, asRoot: false };
    for (const id of ['aa01', 'aa02', 'ab03']) await history.append({ v: 1, event: 'started', id, at: 0, plan });
    for (const id of ['c001', 'c002', 'd003']) await elsewhere.append({ v: 1, event: 'started', id, at: 0, plan: { ...plan, hostId: 'web2', hostLabel: 'web2' } });
    for (const [id, code, said] of [
      ['', 2, /^undo takes the ID of a plan, or its beginning, and not ""/],
      ['a', 2, /^"a" is the beginning of 3 plans; name one by more of its ID: aa01 \(nothing\), aa02 \(nothing\), ab03 \(nothing\)$/m],
      ['aa', 2, /: aa01 \(nothing\), aa02 \(nothing\)$/m],
      ['c', 2, /^"c" is the beginning of 2 plans; .*: c001 \(nothing\), c002 \(nothing\)$/m],
      ['d', 1, /^plan d003 was applied on web2, and not on /],
      ['e', 1, /^no plan e of /],
    ] as const) {
      const ran = await cli('undo', id, '--yes');
      assert.equal(ran.code, code, `${id}: ${ran.stderr}`);
      assert.match(ran.stderr, said);
    }
  });
});
