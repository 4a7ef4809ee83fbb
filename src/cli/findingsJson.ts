import type { HostModel } from '../core/model/hostModel';
import { roleText } from '../core/model/roles';
import { ALL_RULES } from '../core/rules/allRules';
import type { At, Finding } from '../core/rules/rule';
import type { Source } from '../core/host/source';
import { commandOf } from './findingsText';

/** Of one host that was looked at. */
export interface CheckedSource {
  readonly kind: Source['kind'];
  readonly model: HostModel;
  /** Between two looks; 0: there was one. */
  readonly seconds: number;
  readonly findings: readonly Finding[];
  /** Rules that failed, in words: what they would have found is not known. */
  readonly failures?: readonly string[];
  /** What names it to `plan` once more. */
  readonly about: readonly string[];
}

/** One that could not be looked at, and why, in words. */
export interface Unread {
  readonly host: string;
  readonly why: string;
}

/** What `check --json` prints. Fields are added, never renamed. */
export function findingsToJson(hosts: readonly CheckedSource[], unread: readonly Unread[]): object {
  return {
    version: 1,
    hosts: hosts.map(({ kind, model, seconds, findings, about, failures = [] }) => ({
      host: model.label,
      kind,
      readAt: new Date(model.collection.startedAt).toISOString(),
      seconds,
      complete: model.collection.complete && failures.length === 0,
      machines: model.machines.length,
      findings: findings.map(finding => findingToJson(model, finding, about)),
    })),
    unread,
  };
}

function findingToJson(model: HostModel, finding: Finding, about: readonly string[]): object {
  const { rule, severity, machine, threads, at, evidence, fixes } = finding;
  const asPath = (path: string): string => path;
  return {
    rule,
    title: ALL_RULES.find(({ id }) => id === rule)?.title(),
    severity,
    machine: { name: machine.name, uuid: machine.uuid, pid: machine.pid, startTime: machine.startTime },
    threads: threads.map(({ tid, pid, comm, role }) => ({ tid, pid, comm, role: roleText(role) })),
    at: atToJson(at),
    sentence: finding.sentence(asPath),
    cost: finding.cost(),
    evidence,
    advice: finding.advice(asPath),
    // `plan`: the arguments of the command that shows what would be done; not there where the command line has no words for it.
    fixes: fixes.map(fix => ({ title: fix.title(asPath), plan: commandOf(model, machine, fix, asPath, about) })),
  };
}

function atToJson(at: At): object {
  return 'thread' in at ? { ...at, thread: at.thread.tid } : at;
}
