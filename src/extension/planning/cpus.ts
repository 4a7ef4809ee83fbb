import * as vscode from 'vscode';
import type { Topology } from '../../core/model/hostModel';
import type { Change } from '../../core/plan/plan';
import type { CpuSet } from '../../core/parse/cpuList';
import { core } from '../lazyCore';
import { plain } from '../text';
import { input, pick } from './ask';
import type { ThreadsTarget } from './targets';

interface Item extends vscode.QuickPickItem {
  readonly cpus?: CpuSet | 'all';
  readonly typed?: 'list' | 'one each';
}

/** Where a person wants threads to run: a CPU, a core, a node, a list, one each, or anywhere again. */
export async function askForPins({ view, machine, threads }: ThreadsTarget): Promise<readonly Change[] | undefined> {
  const { topology } = view.model;
  const title = threads.length === 1 ? plain(vscode.l10n.t('Pin {0} of {1} to CPUs', core().roleText(threads[0]!.role), machine.name)) : plain(vscode.l10n.t('Pin {0} threads of {1} to CPUs', threads.length, machine.name));
  const online = topology.online?.toString() ?? '?';
  const items: Item[] = [
    { label: `$(list-ordered) ${vscode.l10n.t('A list…')}`, description: vscode.l10n.t('as the kernel writes it: 4 or 0-3,8'), typed: 'list' },
    ...(threads.length > 1 ? [{ label: `$(list-unordered) ${vscode.l10n.t('One each…')}`, description: vscode.l10n.t('{0} threads over a list of CPUs', threads.length), typed: 'one each' as const }] : []),
    { label: `$(circle-slash) ${vscode.l10n.t('All CPUs')}`, description: vscode.l10n.t('as if they had never been pinned'), cpus: 'all' },
    ...nodes(topology),
    ...cores(topology),
    ...single(topology),
  ];
  const picked = await pick(items, title, vscode.l10n.t('Online: CPUs {0}', online));
  if (!picked) return undefined;
  if (picked.typed === undefined) return threads.map(thread => ({ kind: 'pin', thread, cpus: picked.cpus! }));
  const eachHasOne = picked.typed === 'one each';
  const cpus = await input({ title, prompt: vscode.l10n.t('CPUs, as the kernel writes them: 4 or 0-3,8 (online: {0})', online), value: eachHasOne ? firstCpus(topology, threads.length) : (threads[0]!.cpusAllowed?.toString() ?? '') }, text => {
    const parsed = core().parseCpuList(text);
    if (!parsed || parsed.isEmpty) return { fault: vscode.l10n.t('Not a list of CPUs') };
    if (topology.online && !parsed.isSubsetOf(topology.online)) return { fault: vscode.l10n.t('Only CPUs {0} are online', online) };
    if (eachHasOne && parsed.size < threads.length) return { fault: vscode.l10n.t('{0} CPUs are too few for {1} threads', parsed.size, threads.length) };
    return { value: parsed };
  });
  if (!cpus) return undefined;
  const each = [...cpus];
  return threads.map((thread, i) => ({ kind: 'pin', thread, cpus: eachHasOne ? core().CpuSet.of(each[i]!) : cpus }));
}

/** A start for "one each". */
function firstCpus({ online }: Topology, count: number): string {
  return online ? core().CpuSet.of(...[...online].slice(0, count)).toString() : '';
}

function nodes({ nodes: all, online }: Topology): Item[] {
  if (all.size === 0) return [];
  const items = [...all].map(([node, cpus]): Item => ({ label: `$(server) ${vscode.l10n.t('NUMA node {0}', node)}`, description: cpus.toString(), cpus: online ? cpus.intersect(online) : cpus }));
  return [separator(vscode.l10n.t('NUMA nodes')), ...items.filter(({ cpus }) => cpus !== 'all' && cpus?.isEmpty === false)];
}

/** Only those that have siblings: the others are single CPUs. */
function cores({ cpus }: Topology): Item[] {
  const items = [...cpus].flatMap(([cpu, { siblings, core: id, package: socket }]): Item[] => {
    if (!siblings || siblings.size < 2 || siblings.ranges[0]![0] !== cpu) return [];
    return [{ label: `$(extensions) ${vscode.l10n.t('Core of CPUs {0}', siblings.toString())}`, description: vscode.l10n.t('core {0}, package {1}, with its siblings', id ?? '?', socket ?? '?'), cpus: siblings }];
  });
  return items.length === 0 ? [] : [separator(vscode.l10n.t('Cores')), ...items];
}

function single({ online, isolated, nodes: all }: Topology): Item[] {
  if (!online) return [];
  const nodeOf = (cpu: number): number | undefined => [...all].find(([, cpus]) => cpus.has(cpu))?.[0];
  const items = [...online].map((cpu): Item => {
    const node = nodeOf(cpu);
    return { label: `$(chip) ${vscode.l10n.t('CPU {0}', cpu)}`, description: [...(node === undefined ? [] : [vscode.l10n.t('node {0}', node)]), ...(isolated?.has(cpu) === true ? [vscode.l10n.t('isolated')] : [])].join(' · '), cpus: core().CpuSet.of(cpu) };
  });
  return [separator(vscode.l10n.t('One CPU')), ...items];
}

function separator(label: string): Item {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}
