import * as vscode from 'vscode';
import type { Cgroup, Hierarchy, Thread } from '../../core/model/hostModel';
import type { Change } from '../../core/plan/plan';
import { expertMode } from '../config';
import { core } from '../lazyCore';
import { plain } from '../text';
import { pick } from './ask';
import { type ThreadsTarget, noSubtree, ownCgroups } from './targets';

interface Item extends vscode.QuickPickItem {
  /** One in each hierarchy that is changed. */
  readonly to?: readonly Cgroup[];
}

/** Where a person wants threads to be: one hierarchy's cgroup, or those of the same name in all hierarchies of thread groups at once. */
export async function askForMoves(target: ThreadsTarget): Promise<readonly Change[] | undefined> {
  const { view: { model }, machine, threads } = target;
  const fit = model.hierarchies.filter(({ key, mountPoint }) => mountPoint !== undefined && threads.every(thread => thread.membership.places.has(key)));
  // That of the row first: it is what a person looked at.
  const hierarchies = [...fit].sort((a, b) => Number(b.key === target.hierarchy) - Number(a.key === target.hierarchy));
  const own = new Map(hierarchies.map(hierarchy => [hierarchy, ownCgroups(model, machine, hierarchy)]));
  const items: Item[] = [...atOnce(target, own)];
  for (const [hierarchy, cgroups] of own) if (cgroups.some(cgroup => !areThere(threads, [cgroup]))) items.push(separator(hierarchyText(hierarchy)), ...cgroups.map(cgroup => item(threads, cgroup)));
  if (expertMode()) {
    for (const hierarchy of hierarchies) {
      const others = [...hierarchy.cgroups.values()].filter(cgroup => cgroup.directory !== undefined && own.get(hierarchy)?.includes(cgroup) !== true);
      if (others.length > 0) items.push(separator(vscode.l10n.t('Expert mode, outside of the machine: {0}', hierarchyText(hierarchy))), ...others.map(cgroup => item(threads, cgroup)));
    }
  }
  if (items.length === 0) return noSubtree(machine);
  const what = threads.length === 1 ? core().roleText(threads[0]!.role) : vscode.l10n.t('{0} threads', threads.length);
  const to = (await pick(items, plain(vscode.l10n.t('Move {0} of {1} to cgroup', what, machine.name)), vscode.l10n.t('Part of a path, or a controller')))?.to;
  return to && to.flatMap(cgroup => movesTo(target, cgroup));
}

/** Moves of those that are not there yet. Of another v2 domain only the whole process can be a member (cgroup-v2.rst, "Threads"). */
export function movesTo({ view: { model }, machine, threads }: Pick<ThreadsTarget, 'view' | 'machine' | 'threads'>, { hierarchy: key, path, type }: Cgroup): Change[] {
  const hierarchy = model.hierarchies.find(it => it.key === key);
  const top = core().machineSubtree(model, machine, key);
  const isOutside = top === undefined || !core().isWithin(path, top);
  const leader = machine.threads.find(({ tid }) => tid === machine.pid);
  if (hierarchy?.version === 2 && isOutside && type !== 'threaded' && leader) return [{ kind: 'moveProcess', thread: leader, hierarchy: key, to: path }];
  return threads.filter(thread => thread.membership.places.get(key)?.path !== path).map(thread => ({ kind: 'move', thread, hierarchy: key, to: path }));
}

/** Cgroups that stand below the machine's own directory by the same name in several v1 hierarchies: libvirt's thread groups. */
function atOnce({ view: { model }, machine, threads }: ThreadsTarget, own: ReadonlyMap<Hierarchy, readonly Cgroup[]>): Item[] {
  const byName = new Map<string, Cgroup[]>();
  for (const [{ key, version }, cgroups] of own) {
    const top = core().machineSubtree(model, machine, key);
    if (version !== 1 || top === undefined) continue;
    for (const cgroup of cgroups) {
      const name = cgroup.path.slice(top.length + 1);
      if (name !== '') byName.set(name, [...(byName.get(name) ?? []), cgroup]);
    }
  }
  const several = [...byName].filter(([, cgroups]) => cgroups.length > 1);
  if (several.length === 0) return [];
  return [separator(vscode.l10n.t('All hierarchies of thread groups at once')), ...several.map(([name, to]) => ({
    label: `${icon(threads, to)} ${plain(core().unescapeUnit(name))}`,
    description: plain(to.map(({ hierarchy }) => hierarchy).join(' ')),
    to,
  }))];
}

function item(threads: readonly Thread[], cgroup: Cgroup): Item {
  return { label: `${icon(threads, [cgroup])} ${plain(core().unescapeUnit(core().cgroupName(cgroup)))}`, description: [plain(core().unescapeUnit(cgroup.path)), ...(cgroup.type === undefined ? [] : [cgroup.type])].join(' · '), to: [cgroup] };
}

function icon(threads: readonly Thread[], to: readonly Cgroup[]): string {
  return areThere(threads, to) ? '$(check)' : '$(folder)';
}

/** Whether all of them are already there. */
function areThere(threads: readonly Thread[], to: readonly Cgroup[]): boolean {
  return to.every(({ hierarchy, path }) => threads.every(({ membership }) => membership.places.get(hierarchy)?.path === path));
}

function hierarchyText({ key, version }: Hierarchy): string {
  return `${plain(key)} (v${version})`;
}

function separator(label: string): Item {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
