import * as vscode from 'vscode';
import type { Finding } from '../../core/rules/rule';
import { core } from '../lazyCore';
import { plain } from '../text';

/** Those that a row tells and is coloured for: what hurts. The others are told where somebody reads on. */
export function hurting(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ severity }) => severity === 'error' || severity === 'warning');
}

/** Which rules, of a row of a thread or a cgroup: `vcpu-in-emulator: expected …/vcpu2 (cpu,cpuacct)`, for each place where it should be. */
export function findingFacts(findings: readonly Finding[]): string[] {
  const byPlace = new Map<string, string[]>();
  const others = new Set<string>();
  for (const { rule, at } of findings) {
    if (at.kind !== 'place' || at.expected === undefined) {
      others.add(rule);
      continue;
    }
    const { expected, hierarchy } = at;
    const place = vscode.l10n.t('{0}: expected {1}', rule, endOfPath(core().unescapeUnit(expected)));
    byPlace.set(place, [...(byPlace.get(place) ?? []), hierarchy === '0::' ? 'v2' : hierarchy]);
  }
  return [...[...byPlace].map(([place, hierarchies]) => plain(`${place} (${hierarchies.join(', ')})`)), ...others];
}

/** Of a row that is cut off at its right only the last part can be read. */
function endOfPath(path: string): string {
  return path.lastIndexOf('/') > 0 ? `…${path.slice(path.lastIndexOf('/'))}` : path;
}

/** What menus are shown by: `thread`, with ` findings` where there is one of any kind to explain, and ` fixes` where one can be put right. */
export function contextOf(kind: string, findings: readonly Finding[]): string {
  return [kind, ...(findings.length > 0 ? ['findings'] : []), ...(findings.some(({ fixes }) => fixes.length > 0) ? ['fixes'] : [])].join(' ');
}
