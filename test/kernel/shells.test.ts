import assert from 'node:assert/strict';
import { basename } from 'node:path';
import type { Cgroup, Thread } from '../../src/core/model/hostModel';
import { PREFIX, cleanUp, newFolder, required } from './support/cleanUp';
import { type Collected, collectThrough, inPrivateMounts, machineOf, placesIn, problemsBelow } from './support/collect';
import { type Hostile, hostileProcess } from './support/hostile';
import { placedQemu } from './support/placedQemu';
import type { Qemu } from './support/qemu';

const SHELLS = ['dash', 'bash', 'busybox'] as const;
const AWKS = ['mawk', 'gawk', 'busybox', 'original-awk'] as const;
/** As script.ts names them; besides, `wc` where awk is busybox's. */
const TOOLS = ['find', 'grep', 'head', 'id', 'ls', 'sed', 'tr', 'wc', 'xargs'] as const;
const UTF8 = { LC_ALL: 'C.UTF-8' };
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
    const collected = await collectThrough([]);
    assert.equal(machineOf(collected.model, hostile.pid).threads.length, hostile.tids.length + hostile.places.length + 1);
    reference = facts(collected);
  });
  after(cleanUp);

  for (const shell of SHELLS) {
    for (const awk of AWKS) {
      for (const tools of ['GNU', 'busybox'] as const) {
        // original-awk is no part of what the project promises: where a machine has it, it is tried too.
        if (awk === 'original-awk' && !exists(awk)) continue;
        it(`${shell}, ${awk}, ${tools} tools`, () => sameAsReference(shell, awk, tools, UTF8));
      }
    }
  }
  for (const environment of ENVIRONMENTS) {
    for (const [shell, awk, tools] of [['dash', 'mawk', 'GNU'], ['bash', 'gawk', 'GNU'], ['busybox', 'busybox', 'busybox']] as const) {
      it(`${shell}, ${awk}, ${tools} tools where ${Object.keys(environment).length === 0 ? 'no locale is set' : 'a profile sets all it can'}`, () => sameAsReference(shell, awk, tools, environment));
    }
  }

  async function sameAsReference(shell: string, awk: string, tools: 'GNU' | 'busybox', set: Readonly<Record<string, string>>): Promise<void> {
    // The script looks into /usr/bin whatever PATH says, and takes mawk where it finds it: for this collection /usr/bin
    // has nothing but what is to be tried. That proves, too, that nothing else is needed.
    const programs: Record<string, string> = { sh: shell, awk, ...(awk === 'mawk' ? { mawk: awk } : {}) };
    for (const tool of TOOLS) programs[tool] = tools === 'GNU' ? tool : 'busybox';
    const all = newFolder('bin');
    const commands = [
      `mount --bind /usr/bin ${all}`,
      'mount -t tmpfs -o mode=755 tmpfs /usr/bin',
      ...Object.entries(programs).map(([name, program]) => `${all}/ln -s ${all}/${basename(required(program))} /usr/bin/${name}`),
    ];
    const environment = Object.entries({ PATH: '/usr/bin', ...set }).map(([name, value]) => `${name}=${value}`);
    const collected = await collectThrough([...inPrivateMounts(commands.join('\n')), `${all}/env`, '-u', 'LANG', '-u', 'LC_ALL', ...environment]);
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
        return { ...machine, threads: threads.map(threadFacts) };
      }),
      hierarchies: model.hierarchies.map(({ cgroups, ...hierarchy }) => ({
        ...hierarchy,
        cgroups: [...cgroups.values()].filter(c => c.path === '/' || c.path.startsWith(`/${PREFIX}`)).map(cgroupFacts).sort((a, b) => (a.path < b.path ? -1 : 1)),
      })),
      problems: problemsBelow({ raw, model, problems }, pids, PREFIX),
    };
  }
});

function threadFacts({ lastCpu: _, state: _state, runTime, runDelay, flags: _flags, membership, ...thread }: Thread): object {
  return { ...thread, hasTimes: runTime !== undefined && runDelay !== undefined, places: placesIn({ membership } as Thread) };
}

function cgroupFacts({ throttled, parent, ...cgroup }: Cgroup): { readonly path: string } {
  return { ...cgroup, ...{ hasThrottling: throttled !== undefined, parent: parent?.path } };
}

function exists(command: string): boolean {
  try {
    return required(command) !== '';
  } catch {
    return false;
  }
}
