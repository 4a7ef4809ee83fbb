import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { PREFIX, cleanUp } from './support/cleanUp';
import { type Collected, collectThrough, machineOf, placesIn, problemsBelow, threadOf } from './support/collect';
import { namedThreads } from './support/helper';
import { placesOf } from './support/readers';
import { withTools } from './support/tools';

/** Pieces of names: what the collector looks for, and what an expression, a shell or an awk could read in its own way. */
const PIECES = [
  '\\', '\\x2d', '\\\\', 'x', '.scope', '.service', '.slice', 'machine-qemu\\x2d1\\x2d', '.libvirt-qemu', 'kubepods', 'pod0a-1', 'emulator', 'libvirt', 'vcpu0',
  ' ', '"', "'", '$', '*', '[', ']', '\x01', '\xff', '..a', '(deleted)', ':', '=end', '-', '&', '%s', '\t', '{', '|', '^', '+', '?',
];
const name = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 3 }).map(pieces => Buffer.from(pieces.join(''), 'latin1'));
const path = fc.array(name, { maxLength: 3 });
/** Where a machine's threads are below a path of their own, in one hierarchy. */
const places = fc.record({ base: path, threads: fc.array(path, { maxLength: 5 }) });
const machines = fc.array(fc.record({ cpu: places, cpuset: places, '0::': places }), { minLength: 1, maxLength: 3 });

const TRIED: readonly (readonly [string, string, 'GNU' | 'busybox'])[] = [['dash', 'mawk', 'GNU'], ['bash', 'gawk', 'GNU'], ['busybox', 'busybox', 'busybox']];

describe('machines anywhere in any trees of cgroups', function () {
  this.timeout(300_000);
  afterEach(cleanUp);

  // What an awk reads may depend on the order in which it keeps its arrays, and that on every character.
  it('each awk reads the same, and what /proc says', () => fc.assert(fc.asyncProperty(machines, async placements => {
    const tids = new Map<number, readonly number[]>();
    for (const [i, placement] of placements.entries()) {
      const process = await namedThreads(Array.from({ length: 5 }, (_, thread) => Buffer.from(`thread ${thread}`)));
      tids.set(process.pid, process.tids);
      for (const [controller, { base, threads }] of Object.entries(placement)) {
        const top = [`machine ${i}`, ...base];
        makeCgroup(controller, ...top).addProcess(process.pid);
        for (const [thread, below] of threads.entries()) threadsPlace(controller, top, below).addThread(process.tids[thread]!);
      }
    }
    const answers = [];
    for (const [shell, awk, tools] of TRIED) {
      const collected = await collectThrough(withTools(shell, awk, tools));
      assert.deepEqual(collected.raw.collection.remarks, []);
      for (const [pid, threads] of tids) for (const tid of threads) assert.deepEqual(placesIn(threadOf(machineOf(collected.model, pid), tid)), placesOf(pid, tid), awk);
      answers.push(ours(collected, [...tids.keys()]));
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    await cleanUp();
  }), { numRuns: 25 }));
});

/** In v2 the cgroups of single threads are threaded, from the first below the process on. */
function threadsPlace(controller: string, top: readonly (string | Buffer)[], below: readonly Buffer[]): OwnCgroup {
  let place = makeCgroup(controller, ...top);
  for (const [depth] of below.entries()) {
    place = makeCgroup(controller, ...top, ...below.slice(0, depth + 1));
    if (controller === '0::') place.write('cgroup.type', 'threaded');
  }
  return place;
}

/** Of each hierarchy the cgroups that are ours, with their values, and those below which all were visited. */
function ours(collected: Collected, pids: readonly number[]): unknown {
  const isOurs = (at: string): boolean => at.startsWith(`/${PREFIX}`);
  return {
    problems: problemsBelow(collected, pids, PREFIX),
    hierarchies: collected.model.hierarchies.map(({ key, cgroups, walked }) => ({
      key,
      walked: walked.filter(isOurs).sort(),
      cgroups: [...cgroups.values()].filter(cgroup => isOurs(cgroup.path)).map(({ path: at, shares, type, cpus }) => [at, shares, type, cpus?.toString()]).sort(),
    })),
  };
}
