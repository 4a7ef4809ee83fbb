import * as vscode from 'vscode';
import { decodeBytes, encodeBytes } from '../core/parse/bytes';
import type { HostId } from '../core/host/source';
import type { Cgroup, HostModel, Machine } from '../core/model/hostModel';
import type { CpuSet } from '../core/parse/cpuList';
import type { HostService, HostState } from './hostService';
import { LOCAL } from './sources';
import { pathSegment } from './text';

export const SCHEME = 'cgroup-lens';
export const PLACEMENT_LANGUAGE = 'cgroup-placement';

/**
 * Documents are named for people: `/HOST/serial.placement`, `/HOST/cpuset/…/vcpu0.cgroup`, since tabs and Problems
 * show only the path. The authority tells hosts apart: `local`, or the capture's address as hex digits.
 */
export function placementUri(state: HostState, model: HostModel, machine: Machine): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, authority: authorityOf(state.source.id), path: placementPath(state, namesIn(model).of.get(machine) ?? `${pathSegment(machine.name)}-${machine.pid}`) });
}

function placementPath({ source }: HostState, name: string): string {
  return `/${pathSegment(source.label)}/${name}.placement`;
}

interface DocumentNames {
  readonly of: ReadonlyMap<Machine, string>;
  readonly machines: ReadonlyMap<string, Machine>;
}

/** Found once in each model: to ask all machines of all others whenever a document is looked for is too slow for hundreds. */
const names = new WeakMap<HostModel, DocumentNames>();

/** Two machines of one name are told apart by PID; so is one whose own name ends like that. */
function namesIn(model: HostModel): DocumentNames {
  let known = names.get(model);
  if (known) return known;
  const segments = model.machines.map(({ name }) => pathSegment(name));
  const times = new Map<string, number>();
  for (const name of segments) times.set(name, (times.get(name) ?? 0) + 1);
  const of = new Map(model.machines.map((machine, i) => {
    const name = segments[i]!;
    return [machine, times.get(name) === 1 && !/-\d+$/.test(name) ? name : `${name}-${machine.pid}`];
  }));
  names.set(model, (known = { of, machines: new Map([...of].map(([machine, name]) => [name, machine])) }));
  return known;
}

/** The interface files of a cgroup in one hierarchy or several. The raw path goes along, byte by byte, for it may be no text. */
export function cgroupUri(state: HostState, cgroups: readonly Cgroup[]): vscode.Uri {
  const [cgroup] = cgroups;
  if (!cgroup) throw new RangeError('a document of no cgroup');
  const parts = cgroup.path.split('/').filter(part => part !== '').map(pathSegment);
  const path = ['', pathSegment(state.source.label), pathSegment(cgroup.hierarchy), ...parts].join('/');
  const query = encodeBytes(JSON.stringify([cgroups.map(c => c.hierarchy), encodeBytes(cgroup.path).toString('base64')])).toString('base64url');
  return vscode.Uri.from({ scheme: SCHEME, authority: authorityOf(state.source.id), path: `${path}${parts.length === 0 ? '/root' : ''}.cgroup`, query });
}

/** Who else is on some CPUs. A long list is cut in the path, and whole in the query. */
export function neighboursUri(state: HostState, cpus: CpuSet): vscode.Uri {
  const path = `/${pathSegment(state.source.label)}/${pathSegment(`CPUs ${cpus}`)}.neighbours`;
  return vscode.Uri.from({ scheme: SCHEME, authority: authorityOf(state.source.id), path, query: cpus.toString() });
}

export function isNeighboursUri(uri: vscode.Uri): boolean {
  return uri.path.endsWith('.neighbours');
}

export type Target =
  | { readonly kind: 'placement'; readonly state: HostState; readonly model: HostModel; readonly machine: Machine }
  | { readonly kind: 'cgroup'; readonly state: HostState; readonly model: HostModel; readonly cgroups: readonly Cgroup[] }
  /** The host has not been read in this window. */
  | { readonly kind: 'not-connected'; readonly state: HostState | undefined }
  /** The host was read, and has no such machine or cgroup (any more). */
  | { readonly kind: 'gone'; readonly state: HostState };

/** What a document is about. */
export function resolve(hosts: HostService, uri: vscode.Uri): Target {
  const state = hosts.host(hostIdOf(uri));
  if (!state?.view) return { kind: 'not-connected', state };
  const { model } = state.view;
  if (uri.path.endsWith('.cgroup')) {
    const cgroups = cgroupsOf(model, uri.query);
    return cgroups.length > 0 ? { kind: 'cgroup', state, model, cgroups } : { kind: 'gone', state };
  }
  const [before, after] = [placementPath(state, '').slice(0, -'.placement'.length), '.placement'];
  const machine = uri.path.startsWith(before) && uri.path.endsWith(after) ? namesIn(model).machines.get(uri.path.slice(before.length, -after.length)) : undefined;
  return machine ? { kind: 'placement', state, model, machine } : { kind: 'gone', state };
}

function cgroupsOf(model: HostModel, query: string): Cgroup[] {
  let address: unknown;
  try {
    address = JSON.parse(Buffer.from(query, 'base64url').toString('utf8'));
  } catch {
    return []; // an address that somebody typed
  }
  const [keys, path] = Array.isArray(address) ? (address as unknown[]) : [];
  if (!Array.isArray(keys) || typeof path !== 'string') return [];
  const raw = decodeBytes(Buffer.from(path, 'base64'));
  return model.hierarchies.filter(h => keys.includes(h.key)).flatMap(h => h.cgroups.get(raw) ?? []);
}

export function hostIdOf(uri: vscode.Uri): HostId {
  return uri.authority === LOCAL ? LOCAL : Buffer.from(uri.authority, 'hex').toString('utf8');
}

export function authorityOf(id: HostId): string {
  return id === LOCAL ? LOCAL : Buffer.from(id, 'utf8').toString('hex');
}
