import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { historyOf } from '../../../src/cli/history';
import { applyCommand } from '../../../src/cli/planCommands';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../../../src/core/collect/script';
import type { Question, Source } from '../../../src/core/host/source';
import type { Applied } from '../../../src/core/plan/applied';
import { snapshot } from '../fixtures';

/** A host on which the one step of each plan is done. */
const source: Source = {
  id: 'local',
  label: 'web1',
  kind: 'live',
  collect: () => Promise.resolve(snapshot('misplaced-vcpus')),
  ask: <T>(_: Question<T>) => Promise.resolve({ steps: [{ state: 'done', errno: undefined, found: undefined, said: undefined }], complete: true, remarks: [] } satisfies Applied as T),
};
const signal = new AbortController().signal;

describe('cgroup-lens apply', () => {
  const state = process.env['XDG_STATE_HOME'];
  let folder: string;
  before(() => {
    folder = process.env['XDG_STATE_HOME'] = mkdtempSync(join(tmpdir(), 'cgroup-lens-apply-'));
  });
  after(() => {
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
});
