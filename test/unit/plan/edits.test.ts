import assert from 'node:assert/strict';
import type { HostModel, Machine } from '../../../src/core/model/hostModel';
import { changesOf } from '../../../src/core/plan/edits';
import type { Change } from '../../../src/core/plan/plan';
import { diffPlacement } from '../../../src/core/placement/diff';
import { parsePlacement } from '../../../src/core/placement/parse';
import { print } from '../../../src/core/placement/print';
import { toPlacement } from '../../../src/core/placement/toPlacement';
import { type Changeable, type HostName, machine, modelOf } from '../fixtures';

/** What is asked of a host that has become another since the text was made. */
async function asked(host: HostName, edit: (text: string) => string, meanwhile: (copy: Changeable) => void = () => undefined): Promise<{ changes: unknown[]; conflicts: string[] }> {
  const began = (await modelOf(host)).model;
  const now = (await modelOf(host, meanwhile)).model;
  const text = print(toPlacement(began, machine(began, 'serial')));
  const draft = edit(text);
  assert.notEqual(draft, text, 'nothing was edited');
  const { edits, problems } = diffPlacement(parsePlacement(text), parsePlacement(draft));
  assert.deepEqual(problems, []);
  const { changes, conflicts } = changesOf(edits, machine(began, 'serial'), now, now.machines.find(m => m.name === 'serial'));
  return { changes: changes.map(told), conflicts: conflicts.map(({ because }) => because.id) };
}

const told = (change: Change): unknown => ('thread' in change ? { ...change, thread: change.thread.tid, ...('cpus' in change ? { cpus: String(change.cpus) } : {}) } : change);
const vcpu = (model: HostModel, n: number): Machine['threads'][number] => machine(model, 'serial').threads.find(({ role }) => role.kind === 'vcpu' && role.id === String(n))!;

describe('what edits ask of a host', () => {
  let hybrid: HostModel;
  let v2: HostModel;
  before(async () => {
    hybrid = (await modelOf('guest-hybrid')).model;
    v2 = (await modelOf('guest-v2')).model;
  });

  const onVcpu0 = (from: RegExp, to: string) => (text: string): string => text.replace(new RegExp(`^(vCPU 0 [^]*?)${from.source}`, 'm'), `$1${to}`);

  it('a pin', async () => {
    const { tid } = vcpu(hybrid, 0);
    assert.deepEqual(await asked('guest-hybrid', onVcpu0(/cpus \S+/, 'cpus 1')), { changes: [{ kind: 'pin', thread: tid, cpus: '1' }], conflicts: [] });
    assert.deepEqual(await asked('guest-hybrid', onVcpu0(/cpus \S+/, 'cpus all')), { changes: [{ kind: 'pin', thread: tid, cpus: 'all' }], conflicts: [] });
  });

  it('a move, before a pin', async () => {
    const { tid } = vcpu(hybrid, 0);
    const { changes, conflicts } = await asked('guest-hybrid', text => onVcpu0(/cpus \S+/, 'cpus 1')(onVcpu0(/ S\/vcpu0/, ' S/emulator')(text)));
    assert.deepEqual(conflicts, []);
    assert.deepEqual((changes as { kind: string; thread: number }[]).map(({ kind, thread }) => [kind, thread]), [['move', tid], ['pin', tid]]);
  });

  it('scheduling', async () => {
    const { tid } = vcpu(hybrid, 0);
    assert.deepEqual((await asked('guest-hybrid', onVcpu0(/other 0/, 'fifo 3'))).changes, [{ kind: 'schedule', thread: tid, policy: 'fifo', priority: 3, nice: 0 }]);
  });

  it('a quota is asked for whole: in which files, and in which order, the hierarchy decides', async () => {
    const quotas = async (host: HostName, change: (text: string) => string): Promise<unknown[]> => (await asked(host, change)).changes.map(asked => [(asked as { kind: string }).kind, (asked as { to: unknown }).to]);
    for (const host of ['guest-hybrid', 'guest-v2'] as const) {
      assert.deepEqual(await quotas(host, text => text.replace(/quota \S+/, 'quota 60000/200000')), [['quota', { quota: 60000, period: 200000 }]]);
      assert.deepEqual(await quotas(host, text => text.replace(/ {2}quota \S+/, '')), [['quota', { quota: 'max', period: 100000 }]]);
    }
  });

  it('all threads to another v2 domain: the whole process at once', async () => {
    const serial = machine(v2, 'serial');
    const text = (from: string): string => {
      const [threads, above] = from.split('\nabove\n') as [string, string];
      return `${threads.replace(/^ {2}0:: +\S+.*$/gm, '  0::  /other.slice/other.scope')}\nabove\n${above}`;
    };
    const { changes } = await asked('guest-v2', text);
    assert.deepEqual((changes as { kind: string }[]).filter(({ kind }) => kind === 'moveProcess'), [{ kind: 'moveProcess', thread: serial.pid, hierarchy: '0::', to: '/other.slice/other.scope' }]);
  });

  describe('that has changed meanwhile', () => {
    const path = (pid: number, tid: number): string => `/proc/${pid}/task/${tid}`;

    it('a thread that was moved is not moved again, and all else is asked for', async () => {
      const thread = vcpu(hybrid, 0);
      const { changes, conflicts } = await asked('guest-hybrid', text => onVcpu0(/cpus \S+/, 'cpus 1')(onVcpu0(/ S\/vcpu0/, ' S/emulator')(text)), copy => {
        const file = `${path(thread.pid, thread.tid)}/cgroup`;
        copy.files.set(file, copy.files.get(file)!.replaceAll('/vcpu0', '/vcpu1'));
      });
      assert.deepEqual(conflicts, ['edited-place-changed']);
      assert.deepEqual((changes as { kind: string }[]).map(({ kind }) => kind), ['pin']);
    });

    it('what is so already is neither asked for nor a conflict', async () => {
      const thread = vcpu(hybrid, 0);
      const status = `${path(thread.pid, thread.tid)}/status`;
      const result = await asked('guest-hybrid', onVcpu0(/cpus \S+/, 'cpus 1'), copy => void copy.files.set(status, copy.files.get(status)!.replace(/(Cpus_allowed_list:\t).*/, '$11')));
      assert.deepEqual(result, { changes: [], conflicts: [] });
    });

    it('a pin that is another by now', async () => {
      const thread = vcpu(hybrid, 0);
      const status = `${path(thread.pid, thread.tid)}/status`;
      const result = await asked('guest-hybrid', onVcpu0(/cpus \S+/, 'cpus 7'), copy => void copy.files.set(status, copy.files.get(status)!.replace(/(Cpus_allowed_list:\t).*/, '$11')));
      assert.deepEqual(result, { changes: [], conflicts: ['edited-cpus-changed'] });
    });

    it('a TID that is another thread by now', async () => {
      const thread = vcpu(hybrid, 0);
      const stat = `${path(thread.pid, thread.tid)}/stat`;
      const result = await asked('guest-hybrid', onVcpu0(/cpus \S+/, 'cpus 1'), copy => void copy.files.set(stat, copy.files.get(stat)!.replace(` ${thread.startTime} `, ` ${thread.startTime + 1} `)));
      assert.deepEqual(result, { changes: [], conflicts: ['edited-thread-gone'] });
    });

    it('a limit that is another by now', async () => {
      const serial = machine(v2, 'serial');
      const cgroup = [...serial.threads.flatMap(({ membership }) => [...membership.places.values()])].map(place => place.cgroup).find(found => found?.bandwidth !== undefined && found.bandwidth.quota !== 'max')!;
      const result = await asked('guest-v2', text => text.replace(/quota \S+/g, 'quota 60000/100000'), copy => {
        for (const file of [...copy.files.keys()].filter(name => name.endsWith('/cpu.max') && name.startsWith(cgroup.directory!.replace(/\/[^/]*$/, '')))) copy.files.set(file, '70000 100000\n');
      });
      assert.deepEqual([result.changes, new Set(result.conflicts)], [[], new Set(['edited-value-changed'])]);
    });

    it('a machine that was started anew', async () => {
      const { pid, startTime } = machine(hybrid, 'serial');
      const result = await asked('guest-hybrid', onVcpu0(/cpus \S+/, 'cpus 1'), copy => {
        const stat = `${path(pid, pid)}/stat`;
        copy.files.set(stat, copy.files.get(stat)!.replace(` ${startTime} `, ` ${startTime + 1} `));
      });
      assert.deepEqual(result, { changes: [], conflicts: ['edited-machine-gone'] });
    });
  });
});
