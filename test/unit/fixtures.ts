import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCapture } from '../../src/core/capture/format';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../../src/core/collect/script';
import { buildModel } from '../../src/core/model/buildModel';
import type { HostModel, Machine, Problem, Thread } from '../../src/core/model/hostModel';
import { decodeBytes } from '../../src/core/parse/bytes';
import type { Errno, RawSnapshot } from '../../src/core/rawSnapshot';

/** The folder of the captures, seen from out/test/unit. */
export const HOSTS = join(__dirname, '../../../test/fixtures/hosts');
/** Those whose machine was recorded while it started as well. */
export const STARTED_HOSTS = ['guest-v2', 'guest-hybrid', 'guest-legacy', 'host-v1-libvirt'] as const;
export const REAL_HOSTS = [...STARTED_HOSTS, 'guest-numa-clean'] as const;
export const DERIVED_HOSTS = ['numa-isolated', 'container-ns', 'misplaced-vcpus'] as const;
/** Saved by the scenarios of test/guests: hosts to which something was done. */
export const SCENARIO_HOSTS = [
  ...(['guest-hybrid-cpu-offline', 'guest-hybrid-moved-by-hand', 'guest-hybrid-no-machined'] as const),
  ...(['guest-v2-allowed-cpus', 'guest-v2-cpu-offline', 'guest-v2-hotplug', 'guest-v2-starting', 'guest-v2-threaded-under-unit'] as const),
] as const;
export const ALL_HOSTS = [...REAL_HOSTS, ...DERIVED_HOSTS, ...SCENARIO_HOSTS];
/** On which nothing is wrong with the place of any thread, nor anything else of warning or above. */
export const HEALTHY_HOSTS: readonly HostName[] = [...REAL_HOSTS, 'numa-isolated', 'container-ns', 'guest-hybrid-no-machined'];
export type HostName = (typeof ALL_HOSTS)[number];

/** Machine `serial` of guest-v2: its PID, libvirtd's, and the directory that libvirt made for it. */
export const QEMU = 519;
export const LIBVIRTD = 467;
export const SCOPE = String.raw`/machine.slice/machine-qemu\x2d1\x2dserial.scope`;

/** A snapshot that a test may change. */
export interface Changeable extends RawSnapshot {
  readonly files: Map<string, string>;
  readonly links: Map<string, string>;
  readonly errors: Map<string, Errno>;
  readonly directories: Set<string>;
}

export function captureText(name: HostName): string {
  return decodeBytes(readFileSync(join(HOSTS, `${name}.capture`)));
}

/** A fresh copy of a host's snapshot, changed by `change`. */
export function snapshot(name: HostName, change: (copy: Changeable) => void = () => undefined): Changeable {
  const copy = parseCapture(captureText(name)).snapshot as Changeable;
  change(copy);
  return copy;
}

/** As if no guest had run yet: what proves that its start is over. */
export function notRun(copy: Changeable): void {
  for (const path of [...copy.files.keys()]) if (path.endsWith('/schedstat')) copy.files.delete(path);
}

/** One without a single file. */
export function emptySnapshot(): Changeable {
  const collection = { startedAt: Date.UTC(2026, 10, 22), took: 12.5, user: undefined, hides: false, complete: true, remarks: [] };
  return { files: new Map(), links: new Map(), errors: new Map(), directories: new Set(), collection };
}

export function model(raw: RawSnapshot): Promise<{ model: HostModel; problems: readonly Problem[] }> {
  return buildModel(raw, { id: 'test', label: 'test' }, { qemu: DEFAULT_QEMU_EXECUTABLES, managers: MANAGERS, helpers: HELPERS });
}

/** The model of a changed copy of a host. */
export function modelOf(name: HostName, change?: (copy: Changeable) => void): Promise<{ model: HostModel; problems: readonly Problem[] }> {
  return model(snapshot(name, change));
}

export function machine(host: HostModel, name: string): Machine {
  const found = host.machines.find(m => m.name === name);
  if (!found) throw new Error(`no machine ${name}, but ${host.machines.map(m => m.name).join(', ')}`);
  return found;
}

export function thread(of: Machine, tid: number): Thread {
  const found = of.threads.find(t => t.tid === tid);
  if (!found) throw new Error(`no thread ${tid} in ${of.name}`);
  return found;
}

/** `519 (qemu-system-x86) S 1 …`: the text of a task's stat with these fields of proc(5), 0 elsewhere. */
export function statText(tid: number, comm: string, fields: Readonly<Record<number, number | string>> = {}): string {
  const rest = Array.from({ length: 50 }, (_, i) => fields[i + 3] ?? (i === 0 ? 'S' : 0));
  return `${tid} (${comm}) ${rest.join(' ')}\n`;
}

/** Adds a process of one task. */
export function addProcess(copy: Changeable, pid: number, about: { comm: string; cgroup: string; exe?: string; argv?: readonly string[]; ppid?: number; flags?: number }): void {
  const task = `/proc/${pid}/task/${pid}`;
  copy.files.set(`${task}/stat`, statText(pid, about.comm, { 4: about.ppid ?? 1, 9: about.flags ?? 0, 22: 1000 + pid }));
  copy.files.set(`${task}/cgroup`, about.cgroup);
  copy.files.set(`${task}/status`, 'Cpus_allowed_list:\t0-1\n');
  copy.files.set(`/proc/${pid}/cmdline`, (about.argv ?? []).map(arg => `${arg}\0`).join(''));
  if (about.exe !== undefined) copy.links.set(`/proc/${pid}/exe`, about.exe);
}
