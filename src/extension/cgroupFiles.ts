import * as vscode from 'vscode';
import type { HostId } from '../core/host/source';
import type { Cgroup, HostModel } from '../core/model/hostModel';
import { decodeBytes, encodeBytes } from '../core/parse/bytes';
import { authorityOf, hostIdOf } from './documents';
import type { HostService, HostState } from './hostService';
import { core } from './lazyCore';
import { pathSegment } from './text';

/** Interface files of cgroups as files: `cgroupfs://HOST/label/cpuset/machine.slice/…/cpuset.cpus`. */
export const CGROUPFS = 'cgroupfs';
/** The v2 hierarchy's key, `0::`, in an address. No controller is called so. */
const V2 = 'v2';

/** What an address is about, as far as the host has it. */
export type FileTarget =
  | { readonly kind: 'file'; readonly state: HostState; readonly model: HostModel; readonly cgroup: Cgroup; readonly directory: string; readonly file: string }
  | { readonly kind: 'directory'; readonly state: HostState; readonly model: HostModel; readonly cgroup: Cgroup | undefined; readonly directory: string | undefined }
  | { readonly kind: 'not-connected'; readonly state: HostState | undefined; readonly hostId: HostId }
  | { readonly kind: 'gone'; readonly state: HostState };

export function cgroupFileUri({ source }: HostState, cgroup: Cgroup, file?: string): vscode.Uri {
  const names = [cgroup.hierarchy === '0::' ? V2 : cgroup.hierarchy, ...(cgroup.path === '/' ? [] : cgroup.path.split('/').slice(1))].map(encodeName);
  return vscode.Uri.from({ scheme: CGROUPFS, authority: authorityOf(source.id), path: ['', pathSegment(source.label), ...names, ...(file === undefined ? [] : [file])].join('/') });
}

/** Only cgroups that the host's model has are found: no address leads anywhere else on a host. */
export function resolveFile(hosts: HostService, uri: vscode.Uri): FileTarget {
  const hostId = hostIdOf(uri);
  const state = hosts.host(hostId);
  if (!state?.view) return { kind: 'not-connected', state, hostId };
  const { model } = state.view;
  const [label, key, ...names] = uri.path.split('/').slice(1).filter(name => name !== '');
  if (label !== undefined && label !== pathSegment(state.source.label)) return { kind: 'gone', state };
  if (key === undefined) return { kind: 'directory', state, model, cgroup: undefined, directory: undefined };
  const wanted = decodeName(key);
  const hierarchy = model.hierarchies.find(h => h.key === (wanted === V2 ? '0::' : wanted));
  const at = (parts: readonly string[]): Cgroup | undefined => hierarchy?.cgroups.get(`/${parts.map(decodeName).join('/')}`);
  const directory = at(names);
  if (directory?.directory !== undefined) return { kind: 'directory', state, model, cgroup: directory, directory: directory.directory };
  const cgroup = names.length > 0 ? at(names.slice(0, -1)) : undefined;
  const file = names.at(-1);
  if (cgroup?.directory === undefined || file === undefined || !core().isFileName(file)) return { kind: 'gone', state };
  return { kind: 'file', state, model, cgroup, directory: cgroup.directory, file };
}

/**
 * A name's bytes, so that it can be one part of a path in every window and come back: `machine-qemu~5cx2d1.scope`.
 * `~`: a name without any, which only a made-up capture has.
 */
export function encodeName(name: string): string {
  if (name === '') return '~';
  const kept = /^\.+$/.test(name) ? /^$/ : /^[\p{L}\p{N}._@:+=,-]$/u;
  return [...name].map(char => (kept.test(char) ? char : [...encodeBytes(char)].map(byte => `~${byte.toString(16).padStart(2, '0')}`).join(''))).join('');
}

export function decodeName(text: string): string {
  if (text === '~') return '';
  const parts = text.split(/((?:~[0-9a-f]{2})+)/);
  return decodeBytes(Buffer.concat(parts.map((part, i) => (i % 2 === 1 ? Buffer.from(part.replaceAll('~', ''), 'hex') : Buffer.from(part, 'utf8')))));
}
