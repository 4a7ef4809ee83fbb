import * as vscode from 'vscode';
import { encodeBytes } from '../core/parse/bytes';
import type { HostId } from '../core/host/source';
import type { Cgroup, HostModel, Machine } from '../core/model/hostModel';
import { LOCAL, type HostService, type HostState } from './hostService';
import { pathSegment } from './text';

export const SCHEME = 'cgroup-lens';
export const PLACEMENT_LANGUAGE = 'cgroup-placement';

/**
 * Documents are named for people: `/HOST/serial.placement`, `/HOST/cpuset/…/vcpu0.cgroup`, since tabs and Problems
 * show only the path. The authority tells hosts apart: `local`, or the capture's address as hex digits.
 */
export function placementUri(state: HostState, model: HostModel, machine: Machine): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, authority: authorityOf(state.source.id), path: `/${pathSegment(state.source.label)}/${documentName(model, machine)}.placement` });
}

/** Two machines of one name are told apart by PID. */
function documentName(model: HostModel, machine: Machine): string {
  const name = pathSegment(machine.name);
  const alone = model.machines.every(other => other === machine || pathSegment(other.name) !== name);
  return alone ? name : `${name}-${machine.pid}`;
}

/** The interface files of one cgroup, as they were read. The raw path goes along, byte by byte, for it may be no text. */
export function cgroupUri(state: HostState, cgroup: Cgroup): vscode.Uri {
  const parts = cgroup.path.split('/').filter(part => part !== '').map(pathSegment);
  const path = ['', pathSegment(state.source.label), pathSegment(cgroup.hierarchy), ...parts].join('/');
  const query = encodeBytes(JSON.stringify([cgroup.hierarchy, encodeBytes(cgroup.path).toString('base64')])).toString('base64url');
  return vscode.Uri.from({ scheme: SCHEME, authority: authorityOf(state.source.id), path: `${path}${parts.length === 0 ? '/root' : ''}.cgroup`, query });
}

export type Target =
  | { readonly kind: 'placement'; readonly state: HostState; readonly model: HostModel; readonly machine: Machine }
  | { readonly kind: 'cgroup'; readonly state: HostState; readonly model: HostModel; readonly cgroup: Cgroup }
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
    const cgroup = cgroupOf(model, uri.query);
    return cgroup ? { kind: 'cgroup', state, model, cgroup } : { kind: 'gone', state };
  }
  const machine = model.machines.find(m => placementUri(state, model, m).path === uri.path);
  return machine ? { kind: 'placement', state, model, machine } : { kind: 'gone', state };
}

function cgroupOf(model: HostModel, query: string): Cgroup | undefined {
  try {
    const [hierarchy, path] = JSON.parse(Buffer.from(query, 'base64url').toString('utf8')) as [string, string];
    const bytes = Buffer.from(path, 'base64');
    const cgroups = model.hierarchies.find(h => h.key === hierarchy)?.cgroups.values() ?? [];
    return [...cgroups].find(cgroup => encodeBytes(cgroup.path).equals(bytes));
  } catch {
    return undefined; // an address that somebody typed
  }
}

export function hostIdOf(uri: vscode.Uri): HostId {
  return uri.authority === LOCAL ? LOCAL : Buffer.from(uri.authority, 'hex').toString('utf8');
}

function authorityOf(id: HostId): string {
  return id === LOCAL ? LOCAL : Buffer.from(id, 'utf8').toString('hex');
}
