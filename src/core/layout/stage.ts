import type { Machine, Membership } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { isWithin } from '../model/subtree';
import { STAGES, type Stage } from './layout';

/** Of one hierarchy. */
export interface Directories {
  /** The machine's own. */
  readonly top: string;
  /** That which holds its groups of threads; `undefined` where there is none yet, or never. */
  readonly parent: string | undefined;
  /** Where all threads are where there are no groups; `undefined` where the machine has no directory. */
  readonly all: string | undefined;
}

/**
 * How far libvirt has come in one hierarchy: as far as with the thread with which it has come furthest, for one may have
 * been moved by hand.
 * @param waiting how many threads are to get groups of their own yet
 */
export function stageIn(machine: Machine, key: string, { top, parent }: Directories, waiting: number): Stage {
  const memberships = new Set<Membership>(ownThreads(machine).map(({ membership }) => membership)); // many threads share one
  let furthest: Stage = 'inherited';
  let isPlaced = false;
  for (const { places } of memberships) {
    const place = places.get(key);
    if (!place || place.deleted) continue;
    const stage = stageAt(place.path, top, parent);
    if (STAGES.indexOf(stage) > STAGES.indexOf(furthest)) furthest = stage;
    if (parent !== undefined && isOwnGroup(place.path, parent)) isPlaced = true;
  }
  if (furthest !== 'emulator' || waiting > 0) return furthest;
  // Where no thread is a vCPU by its name, its place tells that libvirt knows it.
  return isPlaced || ownThreads(machine).some(({ role }) => role.kind === 'vcpu') ? 'complete' : furthest;
}

/**
 * The stage of a whole machine: the furthest of any hierarchy, but `complete` only when it is in all that have groups.
 * libvirt makes the child wait before it executes QEMU until it is in `emulator` (virCommandHandshakeNotify), so one that
 * runs and is in no such group anywhere gets none: libvirt may use neither cpu nor cpuset here.
 */
export function stageOfAll(machine: Machine, stages: readonly Stage[]): Stage {
  if (stages.includes('emulator')) return 'emulator';
  return machine.state === 'running' ? 'complete' : (STAGES.findLast(stage => stages.includes(stage)) ?? 'inherited');
}

function stageAt(path: string, top: string, parent: string | undefined): Stage {
  if (parent !== undefined && path !== parent && isWithin(path, parent)) return 'emulator';
  if (path === parent) return 'task added';
  if (!top.endsWith('.scope')) return isWithin(path, top) ? 'task added' : 'inherited'; // libvirt made the directory itself
  if (path === top) return 'scope'; // before 7.1 libvirt adds the task there as well
  if (isWithin(path, top)) return 'task added';
  // systemd puts it into a slice above the scope where it has no cgroup for the unit: devices in v1.
  return path !== '/' && isWithin(top, path) ? 'scope' : 'inherited';
}

function isOwnGroup(path: string, parent: string): boolean {
  return path.startsWith(`${parent}/`) && /^(vcpu|iothread)\d+$/.test(path.slice(parent.length + 1));
}
