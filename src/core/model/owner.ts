import { machineScope } from '../parse/systemdName';
import type { Hierarchy, HostModel } from './hostModel';

/**
 * To whom a cgroup belongs: who made its directory, and may remove it or write its values again. Told by its path alone:
 * only systemd itself (GetUnitByControlGroup) and the mark `trusted.delegate` would be proof, and neither is read.
 */
export type CgroupOwner =
  /** A unit of systemd, or one of a user's own systemd below `user@UID.service`. */
  | { readonly kind: 'unit'; readonly unit: string; readonly manager: 'system' | 'user' }
  /** Below a service, a scope or a container: that one's own, and no business of who made it (systemd, CGROUP_DELEGATION.md). */
  | { readonly kind: 'delegated'; readonly by: string }
  | { readonly kind: 'kubelet' }
  | { readonly kind: 'nobody'; readonly because: 'root' | 'no systemd' | 'not of systemd' | 'no unit' }
  | { readonly kind: 'unknown'; readonly because: 'outside' | 'PID 1 unknown' };

/** Who writes the values of a cgroup, as far as its path tells. */
export interface ValuesOwner {
  readonly kind: 'systemd' | 'libvirt' | 'nova' | 'KubeVirt' | 'Proxmox VE' | 'kubelet' | 'unknown';
  /** The part of the path by which it is known; `undefined` of `unknown`. */
  readonly knownBy: string | undefined;
}

type Where = Pick<Hierarchy, 'version' | 'key' | 'controllers' | 'mountRoot'>;

export function cgroupOwner({ init }: Pick<HostModel, 'init'>, hierarchy: Where, path: string): CgroupOwner {
  const pod = inPod(path);
  if (pod) return pod.below !== undefined ? { kind: 'delegated', by: pod.container } : { kind: 'kubelet' };
  // What is above the reader's own namespace or mount was made by another PID 1 than the one it sees.
  if (hierarchy.mountRoot !== '/' || path === '/..' || path.startsWith('/../')) return { kind: 'unknown', because: 'outside' };
  if (path === '/') return { kind: 'nobody', because: 'root' };
  if (init === '') return { kind: 'unknown', because: 'PID 1 unknown' };
  if (init !== 'systemd') return { kind: 'nobody', because: 'no systemd' };
  if (!isOfSystemd(hierarchy)) return { kind: 'nobody', because: 'not of systemd' };
  return unitAt(path.split('/').slice(1));
}

/** Which tool tells libvirt what to write (oVirt, virt-manager, the administrator) no path says; nova's machines have names of their own. */
export function valuesOwner(model: Pick<HostModel, 'init'>, hierarchy: Where, path: string): ValuesOwner {
  const pod = inPod(path);
  if (pod) {
    if (pod.below === undefined) return { kind: 'kubelet', knownBy: pod.top };
    // virt-handler makes this one for emulator threads that have CPUs of their own (configureHousekeepingCgroup).
    return pod.below === 'housekeeping' ? { kind: 'KubeVirt', knownBy: pod.below } : UNKNOWN;
  }
  const machine = machineScope(path);
  // nova's default instance_name_template is instance-%08x, and libvirt makes the directory's name of it.
  if (machine) return { kind: /^instance-[0-9a-f]{8}$/.test(machine.name) ? 'nova' : 'libvirt', knownBy: machine.scope.slice(machine.scope.lastIndexOf('/') + 1) };
  const proxmox = /^\/(qemu\.slice\/\d+\.scope)(\/|$)/.exec(path); // qemu-server starts each machine in VMID.scope of qemu.slice
  if (proxmox) return { kind: 'Proxmox VE', knownBy: proxmox[1] };
  const owner = cgroupOwner(model, hierarchy, path);
  return owner.kind === 'unit' ? { kind: 'systemd', knownBy: owner.unit } : UNKNOWN;
}

const UNKNOWN: ValuesOwner = { kind: 'unknown', knownBy: undefined };

/** In v1 systemd makes the cgroups of its units only where it has a setting to write (v252, CGROUP_MASK_V1), and in its own hierarchy. */
const SYSTEMD_V1 = new Set(['cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'pids']);

function isOfSystemd({ version, key, controllers }: Where): boolean {
  return version === 2 || key === 'name=systemd' || controllers.some(controller => SYSTEMD_V1.has(controller));
}

const SLICE = /\.slice$/;
/** Units that have a cgroup and none of their own kind in it (systemd.unit(5)). */
const LEAF = /\.(service|scope|mount|swap|socket)$/;
/** What systemd itself makes below a service, for ExecReload= and the like. */
const CONTROL = '.control';

function unitAt(components: readonly string[]): CgroupOwner {
  let manager: 'system' | 'user' = 'system';
  let slice: string | undefined;
  let at = 0;
  while (at < components.length) {
    const name = components[at]!.replace(/^_/, ''); // systemd's cg_escape, for a name that could be one of the kernel's files
    const isLast = at === components.length - 1;
    if (isSliceBelow(name, slice)) {
      if (isLast) return { kind: 'unit', unit: name, manager };
      slice = name;
    } else if (LEAF.test(name)) {
      const next = components[at + 1];
      if (next === undefined || (next === CONTROL && at === components.length - 2)) return { kind: 'unit', unit: name, manager };
      if (!/^user@.*\.service$/.test(name) || manager === 'user' || !(LEAF.test(next) || isSliceBelow(next, undefined))) return { kind: 'delegated', by: name };
      [manager, slice] = ['user', undefined];
    } else break;
    at += 1;
  }
  return { kind: 'nobody', because: 'no unit' };
}

/** `a-b.slice` is in `a.slice`, and nowhere else: systemd.slice(5). */
function isSliceBelow(name: string, parent: string | undefined): boolean {
  if (!SLICE.test(name)) return false;
  const dash = name.lastIndexOf('-');
  return parent === undefined ? dash < 0 : name.slice(0, Math.max(dash, 0)) === parent.replace(SLICE, '');
}

/**
 * `/kubepods/burstable/podUID/CONTAINER` (driver cgroupfs), `/kubepods.slice/…/kubepods-burstable-podUID.slice/cri-containerd-ID.scope`
 * (driver systemd). `below`: which cgroup inside the container's own.
 */
function inPod(path: string): { readonly top: string; readonly container: string; readonly below: string | undefined } | undefined {
  const components = path.split('/');
  const top = components.findIndex(name => /^kubepods(\.slice)?$/.test(name));
  if (top < 0) return undefined;
  const pod = components.findIndex((name, i) => i > top && /(^|-)pod[0-9a-f_-]{8,}(\.slice)?$/.test(name));
  const [container = '', below] = pod < 0 ? [] : components.slice(pod + 1);
  return { top: components[top]!, container, below };
}
