import { createHash } from 'node:crypto';
import type { Machine } from '../core/model/hostModel';
import { roleText } from '../core/model/roles';
import { ownThreads } from '../core/model/machines';
import { encodeBytes } from '../core/parse/bytes';
import { parsePlacement } from '../core/placement/parse';
import { print } from '../core/placement/print';
import { toPlacement } from '../core/placement/toPlacement';
import { ALL_RULES } from '../core/rules/allRules';
import type { Finding, Rule, Severity } from '../core/rules/rule';
import { visible } from '../core/visible';
import type { CheckedSource, Unread } from './findingsJson';
import { spelled } from './findingsText';
import { escapeInvisible } from './json';
import { type Shipped, shippedWith } from './shipped';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** SARIF knows no hint: that is a note as well, and `properties.severity` tells them apart. */
const LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', information: 'note', hint: 'note' };
/** What paths of files are relative to. */
const ROOT = 'HOST';

/** SARIF 2.1.0: one run a host. */
export async function toSarif(hosts: readonly CheckedSource[], unread: readonly Unread[], shipped: Shipped = shippedWith()): Promise<object> {
  const rules = await Promise.all(ALL_RULES.map(async rule => ruleToSarif(rule, await shipped.page(rule.id))));
  const semanticVersion = await shipped.version();
  const driver = { name: 'Cgroup Lens', ...(semanticVersion === undefined ? {} : { semanticVersion }), rules };
  const runs = hosts.map(({ kind, model, findings, failures = [] }) => {
    const fingerprint = new Fingerprints(model.label);
    const aliases = new Map<Machine, string | undefined>();
    const results = findings.map(finding => {
      const { machine } = finding;
      if (!aliases.has(machine)) aliases.set(machine, parsePlacement(print(toPlacement(model, machine))).alias);
      return resultToSarif(finding, fingerprint.of(finding, path => spelled(path, aliases.get(machine))));
    });
    return {
      tool: { driver },
      automationDetails: { id: `cgroup-lens/${encoded(model.label)}/` },
      invocations: [{ executionSuccessful: model.collection.complete && failures.length === 0, endTimeUtc: new Date(model.collection.startedAt + model.collection.took).toISOString(), ...(failures.length === 0 ? {} : { toolExecutionNotifications: failures.map(why => ({ level: 'error', message: { text: unlinked(visible(why)) } })) }) }],
      originalUriBaseIds: { [ROOT]: { uri: 'file:///', description: { text: unlinked(visible(kind === 'capture' ? `The root of the host that ${model.label} is a capture of` : `The root of ${model.label}`)) } } },
      columnKind: 'utf16CodeUnits',
      results,
    };
  });
  const failed = unread.map(({ host, why }) => ({
    tool: { driver },
    automationDetails: { id: `cgroup-lens/${encoded(host)}/` },
    invocations: [{ executionSuccessful: false, endTimeUtc: new Date().toISOString(), toolExecutionNotifications: [{ level: 'error', message: { text: unlinked(visible(why)) } }] }],
    results: [],
  }));
  return { $schema: SCHEMA, version: '2.1.0', runs: [...runs, ...failed] };
}

export function printSarif(sarif: object): string {
  return `${escapeInvisible(JSON.stringify(sarif, null, 2))}\n`;
}

function ruleToSarif({ id, title }: Rule, page: string | undefined): object {
  return {
    id,
    name: id.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase()),
    shortDescription: { text: title() },
    ...(page === undefined ? {} : { help: { text: page, markdown: page } }),
    defaultConfiguration: { level: 'warning' }, // each result has its own
  };
}

function resultToSarif(finding: Finding, fingerprint: string): object {
  const { rule, severity, machine, threads, at, evidence } = finding;
  const asPath = (path: string): string => path;
  const name = visible(machine.name);
  return {
    ruleId: rule,
    ruleIndex: ALL_RULES.findIndex(({ id }) => id === rule),
    level: LEVELS[severity],
    message: { text: unlinked(`${name}: ${finding.sentence(asPath)}.`) },
    locations: evidence.length === 0 ? [{ logicalLocations: logical(finding, name) }] : evidence.map(({ file }, i) => ({
      physicalLocation: { artifactLocation: { uri: encoded(file.replace(/^\/+/, '')), uriBaseId: ROOT } },
      ...(i === 0 ? { logicalLocations: logical(finding, name) } : {}),
    })),
    partialFingerprints: { 'cgroupLensFinding/v1': fingerprint },
    properties: {
      severity,
      cost: finding.cost(),
      advice: finding.advice(asPath),
      evidence: evidence.map(({ file, value }) => ({ file, value })),
      fixes: finding.fixes.map(fix => fix.title(asPath)),
      machine: { name: machine.name, uuid: machine.uuid, pid: machine.pid },
      threads: threads.map(({ tid, comm, role }) => ({ tid, comm, role: roleText(role) })),
      ...('hierarchy' in at ? { hierarchy: at.hierarchy } : {}),
    },
  };
}

/** A message of SARIF may hold links (`[x](y)`, 3.11.6) and places for arguments (`{0}`, 3.11.5): a name makes neither. The word joiner is seen by nobody. */
function unlinked(text: string): string {
  return text.replaceAll('](', ']\u2060(').replace(/\{(?=\d+\})/g, '{\u2060');
}

/** What it is about, from the outside in: machine, threads, cgroup. */
function logical({ threads, at }: Finding, machine: string): object[] {
  return [
    { name: machine, fullyQualifiedName: machine, kind: 'machine' },
    ...threads.map(({ role, tid }) => ({ name: visible(roleText(role)), fullyQualifiedName: `${machine}/${visible(roleText(role))}/${tid}`, kind: 'thread' })),
    ...('path' in at ? [{ name: visible(at.path.slice(at.path.lastIndexOf('/') + 1)) || '/', fullyQualifiedName: `${visible(at.hierarchy)}:${visible(at.path)}`, kind: 'cgroup' }] : []),
  ];
}

/** Each byte that is not plain as `%NN`: names are bytes, and may be no text at all. */
function encoded(path: string): string {
  return [...encodeBytes(path)].map(byte => (/[\w.~/-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)).join('');
}

/** What tells a finding from all others and stays the same when the machine is started anew: no PID, no TID, no number in a scope's name. */
class Fingerprints {
  private readonly seen = new Map<string, number>();

  constructor(private readonly host: string) {}

  of({ rule, machine, threads, at }: Finding, shown: (path: string) => string): string {
    const own = new Set(ownThreads(machine));
    const who = [...new Set(threads.map(thread => `${roleText(thread.role)}${own.has(thread) ? '' : ' beside it'}`))].sort();
    const where = 'path' in at ? [at.kind, at.hierarchy, shown(at.path), 'name' in at ? at.name : ''] : [at.kind];
    const hash = createHash('sha256').update(encodeBytes(JSON.stringify([this.host, machine.uuid ?? machine.name, rule, who, where]))).digest('hex').slice(0, 32);
    const before = this.seen.get(hash) ?? 0;
    this.seen.set(hash, before + 1);
    return `${hash}:${before + 1}`; // of two workers in one place each has its own
  }
}
