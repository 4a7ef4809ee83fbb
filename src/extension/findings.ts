import type { HostId } from '../core/host/source';
import type { Cgroup, HostModel, Machine, Thread } from '../core/model/hostModel';
import type { Rates } from '../core/model/rates';
import type { Layout } from '../core/layout/layout';
import type { RuleFailure } from '../core/rules/allRules';
import type { CheckedHost } from '../core/rules/checkedHost';
import type { Finding } from '../core/rules/rule';
import type { Judged, RuleSettings } from '../core/rules/settings';
import { ruleSettings } from './config';
import { core } from './lazyCore';

/** What the rules said of a host, whatever a person wants to hear, and what they found out on the way. */
const found = new WeakMap<HostModel, { readonly host: CheckedHost; readonly findings: readonly Finding[] }>();

/** Looks for what is wrong on a host, and lets others have their turn meanwhile: before a model is shown. @param failed as of `checking` */
export async function lookForFindings(model: HostModel, rates: Rates, failed: (failure: RuleFailure) => void): Promise<void> {
  const host = new (core().CheckedHost)(model, rates);
  found.set(model, { host, findings: await core().paced(core().checking(host, failed), 1) });
}

/** Who placed a machine: asked for by every row and every document, and found only once. */
export function layoutIn(model: HostModel, machine: Machine): Layout {
  const known = found.get(model)?.host;
  return known ? known.layoutOf(machine) : core().layoutOf(model, machine);
}

/** Read once, for it costs more than all else here; {@link forgetRuleSettings} when it changes. */
let settings: RuleSettings | undefined;
let judgedBySettings = new WeakMap<HostModel, HostFindings>();

export function forgetRuleSettings(): void {
  settings = undefined;
  judgedBySettings = new WeakMap();
}

/** What is wrong on a host, as a person wants to hear of it. */
export function findingsIn(model: HostModel): HostFindings {
  let findings = judgedBySettings.get(model);
  if (!findings) {
    settings ??= ruleSettings();
    judgedBySettings.set(model, (findings = new HostFindings(core().judged(found.get(model)?.findings ?? [], model.label, settings))));
  }
  return findings;
}

const NONE: readonly Finding[] = [];

/** The findings of one host by what they are about; each way to look is made when somebody first looks so. */
export class HostFindings {
  private machines: ReadonlyMap<Machine, readonly Finding[]> | undefined;
  private threads: ReadonlyMap<Thread, readonly Finding[]> | undefined;
  private cgroups: { readonly at: ReadonlyMap<Cgroup | undefined, readonly Finding[]>; readonly within: ReadonlyMap<Cgroup, readonly Finding[]> } | undefined;

  constructor(private readonly judged: Judged) {}

  get all(): readonly Finding[] {
    return this.judged.findings;
  }

  ofMachine(machine: Machine): readonly Finding[] {
    this.machines ??= grouped(this.all, ({ machine: of }) => [of]);
    return this.machines.get(machine) ?? NONE;
  }

  ofThread(thread: Thread): readonly Finding[] {
    this.threads ??= grouped(this.all, ({ threads }) => threads);
    return this.threads.get(thread) ?? NONE;
  }

  /** Those about a cgroup itself, not about a thread in it. */
  atCgroup(model: HostModel, cgroup: Cgroup): readonly Finding[] {
    return this.byCgroup(model).at.get(cgroup) ?? NONE;
  }

  /** Those about a cgroup, about one below it, and about the place of a thread there. */
  withinCgroup(model: HostModel, cgroup: Cgroup): readonly Finding[] {
    return this.byCgroup(model).within.get(cgroup) ?? NONE;
  }

  /** What a person does not want to hear of a machine, and why. */
  suppressedOf(machine: Machine): Judged['suppressed'] {
    return this.judged.suppressed.filter(({ finding }) => finding.machine === machine);
  }

  private byCgroup({ hierarchies }: HostModel): NonNullable<HostFindings['cgroups']> {
    if (this.cgroups) return this.cgroups;
    const byKey = new Map(hierarchies.map(hierarchy => [hierarchy.key, hierarchy.cgroups]));
    const cgroupOf = ({ at }: Finding): Cgroup | undefined => ('hierarchy' in at ? byKey.get(at.hierarchy)?.get(at.path) : undefined);
    return (this.cgroups = {
      at: grouped(this.all, finding => (finding.at.kind === 'value' ? [cgroupOf(finding)] : [])),
      within: grouped(this.all, finding => core().withAncestors(cgroupOf(finding))),
    });
  }
}

function grouped<K>(findings: readonly Finding[], keysOf: (finding: Finding) => Iterable<K>): ReadonlyMap<K, readonly Finding[]> {
  const groups = new Map<K, Finding[]>();
  for (const finding of findings) {
    for (const key of keysOf(finding)) {
      const group = groups.get(key);
      if (group) group.push(finding);
      else groups.set(key, [finding]);
    }
  }
  return groups;
}

/** Names a finding to a command, so that it is found again in whatever model the window has then. Plain text: a link can hold it. */
export interface FindingName {
  readonly hostId: HostId;
  /** `Machine.key` */
  readonly machine: string;
  readonly rule: string;
  readonly at: string;
}

export function nameOf({ hostId }: HostModel, finding: Finding): FindingName {
  return { hostId, machine: finding.machine.key, rule: finding.rule, at: placeName(finding) };
}

export function isFindingName(value: unknown): value is FindingName {
  return typeof value === 'object' && value !== null && 'rule' in value && 'at' in value && 'hostId' in value;
}

/** `undefined`: it is not there any more. */
export function findingNamed(model: HostModel, { machine, rule, at }: FindingName): Finding | undefined {
  return findingsIn(model).all.find(finding => finding.rule === rule && finding.machine.key === machine && placeName(finding) === at);
}

/** JSON spells out whatever half of a character a path may hold. */
function placeName({ at, threads }: Finding): string {
  return JSON.stringify([at.kind, 'thread' in at ? at.thread.key : threads[0]?.key, 'hierarchy' in at ? [at.hierarchy, at.path] : [], 'name' in at ? at.name : '']);
}
