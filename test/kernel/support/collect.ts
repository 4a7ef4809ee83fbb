import assert from 'node:assert/strict';
import { LiveSource } from '../../../src/core/collect/collect';
import { type CollectScriptOptions, DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS, collectCommand } from '../../../src/core/collect/script';
import { WireDecoder } from '../../../src/core/collect/wire';
import { LocalHost } from '../../../src/core/host/localHost';
import type { Question } from '../../../src/core/host/source';
import { buildModel } from '../../../src/core/model/buildModel';
import type { Cgroup, HostModel, Machine, Problem, Thread } from '../../../src/core/model/hostModel';
import { encodeBytes } from '../../../src/core/parse/bytes';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import { required, whatRuns } from './cleanUp';

export interface Collected {
  readonly raw: RawSnapshot;
  readonly model: HostModel;
  readonly problems: readonly Problem[];
}

const NEVER = new AbortController().signal;
const OPTIONS = { qemuExecutables: DEFAULT_QEMU_EXECUTABLES, asRoot: false };

/** This machine as the extension collects it. */
export async function collectModel(signal = NEVER): Promise<Collected> {
  return modelOf(await new LiveSource('test', new LocalHost('test'), () => OPTIONS).collect(signal));
}

/**
 * The same script, its shell run by another command: `setpriv …`, `unshare …`, `env …`. It gets the script on its
 * standard input and the shell with its arguments as its own last arguments.
 */
export async function collectThrough(through: readonly string[], signal = NEVER, options: CollectScriptOptions = OPTIONS): Promise<Collected> {
  return modelOf(await askThrough(through, { command: ({ watched }) => collectCommand(options, watched), decoder: () => new WireDecoder() }, signal));
}

/** With every cgroup of the machine. */
export function collectAllThrough(through: readonly string[]): Promise<Collected> {
  return collectThrough(through, NEVER, { ...OPTIONS, allCgroups: true });
}

/** The same of any other question. One that gets no answer says what its processes were doing. */
export async function askThrough<T>(through: readonly string[], question: Question<T>, signal = NEVER): Promise<T> {
  const { argv, prelude, stdin } = question.command({ watched: false, asRoot: false });
  const decoder = question.decoder();
  const tooLong = new AbortController();
  let running = '';
  const timer = setTimeout(() => {
    running = whatRuns();
    tooLong.abort();
  }, 50_000);
  try {
    const { stderr } = await new LocalHost('test').run([...through, ...argv], { prelude, stdin, signal: AbortSignal.any([signal, tooLong.signal]), onStdout: chunk => void decoder.push(chunk) });
    return decoder.finish(stderr, 'test', { startedAt: 0, took: 0 });
  } catch (error) {
    throw running ? new Error(`no answer within 50 seconds; at that moment:\n${running}`) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** What the core makes of it. */
export async function modelOf(raw: RawSnapshot): Promise<Collected> {
  assert.equal(raw.collection.complete, true, `the answer broke off: ${raw.collection.remarks.join('\n')}`);
  const { model, problems } = await buildModel(raw, { id: 'test', label: 'test' }, { qemu: DEFAULT_QEMU_EXECUTABLES, managers: MANAGERS, helpers: HELPERS });
  return { raw, model, problems };
}

/** Any account without rights will do; this one is everywhere. */
export function asNobody(setpriv = required('setpriv')): string[] {
  return [setpriv, '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--'];
}

/** In a mount namespace of its own, after these commands of a shell; nothing of it reaches this machine's mounts. */
export function inPrivateMounts(commands: string): string[] {
  return [required('unshare'), '-m', '--propagation', 'private', 'sh', '-c', `set -e\n${commands}\nexec "$@"`, 'sh'];
}

export function machineOf(model: HostModel, pid: number): Machine {
  const machine = model.machines.find(m => m.pid === pid);
  assert.ok(machine, `no machine of PID ${pid}, but ${model.machines.map(m => `${m.name} (${m.pid})`).join(', ')}`);
  return machine;
}

export function threadOf(machine: Machine, tid: number): Thread {
  const threads = machine.threads.filter(t => t.tid === tid);
  assert.equal(threads.length, 1, `thread ${tid} is listed ${threads.length} times in ${machine.name}`);
  return threads[0]!;
}

export function cgroupOf(model: HostModel, key: string, path: string): Cgroup {
  const hierarchy = model.hierarchies.find(h => h.key === key);
  const cgroup = hierarchy?.cgroups.get(path);
  assert.ok(cgroup, `no cgroup ${path} in ${key}`);
  return cgroup;
}

/** hierarchy → path, its bytes written in Latin-1, as the independent reader has them. */
export function placesIn(thread: Thread): Record<string, string> {
  return Object.fromEntries([...thread.membership.places].map(([key, place]) => [key, encodeBytes(place.path + (place.deleted ? ' (deleted)' : '')).toString('latin1')]));
}

/** What is not a problem of ours: others work on this machine too. */
export function problemsBelow(collected: Collected, pids: readonly number[], cgroup: string): Problem[] {
  return collected.problems.filter(({ path }) => path.includes(cgroup) || pids.some(pid => path.startsWith(`/proc/${pid}/`)));
}
