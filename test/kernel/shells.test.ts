import assert from 'node:assert/strict';
import type { Cgroup, Thread } from '../../src/core/model/hostModel';
import { makeCgroup } from './support/cgroups';
import { PREFIX, cleanUp } from './support/cleanUp';
import { type Collected, collectThrough, machineOf, placesIn, problemsBelow } from './support/collect';
import { namedThreads } from './support/helper';
import { type Hostile, hostileProcess } from './support/hostile';
import { placedQemu } from './support/placedQemu';
import type { Qemu } from './support/qemu';
import { SHELLS, type Tools, UTF8, awks, withTools } from './support/tools';

/** The first: nothing set. The second: all that a person's profile may say and that a tool of ours listens to. */
const ENVIRONMENTS: readonly Readonly<Record<string, string>>[] = [
  {},
  { LANG: 'tr_TR.UTF-8', LC_ALL: 'no_SUCH.locale', LC_NUMERIC: 'de_DE.UTF-8', LC_CTYPE: 'ja_JP.SJIS', POSIXLY_CORRECT: '1', CDPATH: '/tmp:/', GREP_COLORS: 'mt=01;31', LS_COLORS: '*=01', QUOTING_STYLE: 'shell', TIME_STYLE: 'long-iso', GREP_OPTIONS: '-n', AWKPATH: '/', BLOCK_SIZE: 'human' },
];

describe('the collector in each shell, awk and set of tools', () => {
  let qemu: Qemu;
  let hostile: Hostile;
  let reference: unknown;

  before(async () => {
    ({ qemu } = await placedQemu('shells'));
    hostile = await hostileProcess();
    await spreadBelow(String.raw`in\side`, ['\\', String.raw`machine-qemu\x2d1\x2dspread.scope`, String.raw`\x`]);
    const collected = await collectThrough([]);
    assert.equal(machineOf(collected.model, hostile.pid).threads.length, hostile.tids.length + hostile.places.length + 1);
    reference = facts(collected);
  });
  after(cleanUp);

  for (const shell of SHELLS) {
    for (const awk of awks()) {
      for (const tools of ['GNU', 'busybox'] as const) {
        it(`${shell}, ${awk}, ${tools} tools`, () => sameAsReference(shell, awk, tools, UTF8));
      }
    }
  }
  for (const environment of ENVIRONMENTS) {
    for (const [shell, awk, tools] of [['dash', 'mawk', 'GNU'], ['bash', 'gawk', 'GNU'], ['busybox', 'busybox', 'busybox']] as const) {
      it(`${shell}, ${awk}, ${tools} tools where ${Object.keys(environment).length === 0 ? 'no locale is set' : 'a profile sets all it can'}`, () => sameAsReference(shell, awk, tools, environment));
    }
  }

  /**
   * A process with a thread in each of these cgroups, all that way down. An awk that takes a backslash for one of the
   * characters of a bracket expression finds no last part in such a path.
   */
  async function spreadBelow(directory: string, names: readonly string[]): Promise<void> {
    const { tids } = await namedThreads(names.map(name => Buffer.from(name.slice(0, 15))));
    for (const [i, name] of names.entries()) makeCgroup('cpu', 'spread', directory, name).addThread(tids[i]!);
  }

  async function sameAsReference(shell: string, awk: string, tools: Tools, set: Readonly<Record<string, string>>): Promise<void> {
    const collected = await collectThrough(withTools(shell, awk, tools, set));
    assert.deepEqual(facts(collected), reference);
  }

  /** What must not depend on who reads it: all but the time that has passed, and what is not ours. */
  function facts({ raw, model, problems }: Collected): unknown {
    const { kernel, init, mode, controllers, topology } = model;
    const pids = [qemu.pid, hostile.pid];
    return {
      // What bash says of a locale that the machine has not got is true, and no fault.
      remarks: raw.collection.remarks.filter(remark => !/^sh: warning: setlocale: /.test(remark)),
      ...{ kernel, init, mode, controllers, topology, user: raw.collection.user },
      machines: pids.map(pid => {
        const { threads, ...machine } = machineOf(model, pid);
        return { ...machine, rss: machine.rss !== undefined, threads: threads.map(threadFacts) }; // rss grows between two looks
      }),
      hierarchies: model.hierarchies.map(({ cgroups, walked, ...hierarchy }) => ({
        ...hierarchy,
        walked: walked.filter(path => path.startsWith(`/${PREFIX}`)),
        cgroups: [...cgroups.values()].filter(c => c.path === '/' || c.path.startsWith(`/${PREFIX}`)).map(cgroupFacts).sort((a, b) => (a.path < b.path ? -1 : 1)),
      })),
      problems: problemsBelow({ raw, model, problems }, pids, PREFIX),
    };
  }
});

function threadFacts({ lastCpu: _, state: _state, runTime, runDelay, flags: _flags, membership, ...thread }: Thread): object {
  return { ...thread, hasTimes: runTime !== undefined && runDelay !== undefined, places: placesIn({ membership } as Thread) };
}

function cgroupFacts({ throttled, cpuPressure, parent, ...cgroup }: Cgroup): { readonly path: string } {
  return { ...cgroup, ...{ hasThrottling: throttled !== undefined, hasPressure: cpuPressure !== undefined, parent: parent?.path } };
}
