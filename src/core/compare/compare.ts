import { t } from '@vscode/l10n';
import type { HostModel, Machine } from '../model/hostModel';
import { type Steps, atOnce } from '../model/pace';
import { UNKNOWN } from '../placement/placement';
import type { Evidence } from '../rules/rule';
import { visible } from '../visible';
import { type Compared, type Section, isTogether, sectionsOf } from './side';

/** What stands in place of a rule's id. */
export const PLACEMENT_DIFFERS = 'placement-differs';

/** Two machines, in a form in which they are equal where nothing moved. */
export interface Comparison {
  readonly labels: readonly [string, string];
  readonly sections: readonly [readonly Section[], readonly Section[]];
  readonly differences: readonly Difference[];
}

/** One thing that is not as on the other side. */
export interface Difference {
  /** Key of the section that it is about. */
  readonly section: string;
  /** `undefined`: of which one side has nothing. */
  readonly fact: string | undefined;
  /** What each side read; not where it has nothing to show. */
  readonly evidence: readonly [Evidence | undefined, Evidence | undefined];
  /** Without its end; hostile names in it are made visible. */
  readonly sentence: () => string;
}

/** {@link comparing}, at once. */
export function compareMachines(a: Compared, b: Compared): Comparison {
  return atOnce(comparing(a, b));
}

export function* comparing(a: Compared, b: Compared): Steps<Comparison> {
  const together = new Set<string>();
  for (const key of new Set([...a.model.hierarchies, ...b.model.hierarchies].map(hierarchy => hierarchy.key))) {
    yield;
    if (isTogether(a.machine, key) && isTogether(b.machine, key)) together.add(key);
  }
  const way = { together, isOneProcess: isOneProcess(a.machine, b.machine) };
  const labels = labelsOf(a, b);
  const all = [yield* sectionsOf(a, way), yield* sectionsOf(b, way)] as const;
  const known = all.map(sections => new Set(sections.map(({ key }) => key)));
  const sections = [all[0].filter(({ isPassing, key }) => !isPassing || known[1]!.has(key)), all[1].filter(({ isPassing, key }) => !isPassing || known[0]!.has(key))] as const;
  return { labels, sections, differences: yield* differencesOf(sections, labels) };
}

/** The machines of two hosts, each with that of the other side: of the same UUID, or of the same name. */
export function pairMachines(a: HostModel, b: HostModel): { readonly pairs: readonly (readonly [Machine, Machine])[]; readonly only: readonly [readonly Machine[], readonly Machine[]] } {
  const byUuid = new Map(b.machines.flatMap(machine => (machine.uuid === undefined ? [] : [[machine.uuid, machine] as const])));
  const others = new Map<Machine, Machine>();
  const paired = new Set<Machine>();
  const pair = (machine: Machine, other: Machine | undefined): void => {
    if (!other || paired.has(other)) return;
    others.set(machine, other);
    paired.add(machine).add(other);
  };
  for (const machine of a.machines) if (machine.uuid !== undefined) pair(machine, byUuid.get(machine.uuid));
  // Those that are left. Several may be called the same: one after the other.
  const byName = new Map<string, Machine[]>();
  for (const machine of b.machines) {
    if (paired.has(machine)) continue;
    const same = byName.get(machine.name);
    if (same) same.push(machine);
    else byName.set(machine.name, [machine]);
  }
  for (const machine of a.machines) if (!paired.has(machine)) pair(machine, byName.get(machine.name)?.shift());
  const pairs = a.machines.flatMap(machine => (others.has(machine) ? [[machine, others.get(machine)!] as const] : []));
  return { pairs, only: [a.machines.filter(machine => !paired.has(machine)), b.machines.filter(machine => !paired.has(machine))] };
}

/** PID and start time could be another machine's on another host. */
function isOneProcess(a: Machine, b: Machine): boolean {
  return a.key === b.key && a.name === b.name && a.uuid === b.uuid;
}

/** What tells the two apart, in as few words as do. */
function labelsOf(a: Compared, b: Compared): readonly [string, string] {
  if (a.model.label !== b.model.label) return [a.model.label, b.model.label];
  if (a.machine.name !== b.machine.name) return [a.machine.name, b.machine.name];
  if (a.machine.pid !== b.machine.pid) return [`PID ${a.machine.pid}`, `PID ${b.machine.pid}`];
  return [t('the first'), t('the second')];
}

function* differencesOf([a, b]: readonly [readonly Section[], readonly Section[]], labels: readonly [string, string]): Steps<Difference[]> {
  const others = new Map(b.map(section => [section.key, section]));
  const found: Difference[] = [];
  for (const one of a) {
    yield;
    const other = others.get(one.key);
    if (other) ofFacts(one, other, labels, found);
    else found.push(onlyIn(one, 0, labels));
    others.delete(one.key);
  }
  for (const other of others.values()) found.push(onlyIn(other, 1, labels));
  return found;
}

function onlyIn({ key, title, facts }: Section, side: 0 | 1, labels: readonly [string, string]): Difference {
  const evidence = facts.find(fact => fact.evidence)?.evidence;
  return { section: key, fact: undefined, evidence: side === 0 ? [evidence, undefined] : [undefined, evidence], sentence: () => t('{0}: only in {1}', visible(title), visible(labels[side])) };
}

function ofFacts(a: Section, b: Section, labels: readonly [string, string], found: Difference[]): void {
  const others = new Map(b.facts.map(fact => [fact.name, fact]));
  const ones = new Map(a.facts.map(fact => [fact.name, fact]));
  for (const name of new Set([...ones.keys(), ...others.keys()])) {
    const [one, other] = [ones.get(name), others.get(name)];
    if (one?.value === other?.value || one?.value === UNKNOWN || other?.value === UNKNOWN) continue; // what could not be read did not move
    const said = [one, other].map(fact => (fact ? visible(fact.value === '' ? t('none') : fact.value) : t('nothing')));
    found.push({
      section: a.key,
      fact: name,
      evidence: [one?.evidence, other?.evidence],
      sentence: () => t('{0}, {1}: {2} in {3}, {4} in {5}', visible(a.title), visible(name), said[0]!, visible(labels[0]), said[1]!, visible(labels[1])),
    });
  }
}
