import { type Finding, SEVERITIES, type Severity } from './rule';

/** What a person wants to hear of: by rule, and for single machines. */
export interface RuleSettings {
  /** By id; a rule that is not in it says what it says. */
  readonly severities: ReadonlyMap<string, Severity | 'off'>;
  readonly suppressed: readonly Suppression[];
}

/** One rule that is to be silent of one machine, and why: without a reason nobody dares to take it back. */
export interface Suppression {
  readonly rule: string;
  /** Its name or its UUID. */
  readonly machine: string;
  /** The host's label; of all hosts where there is none. */
  readonly host?: string | undefined;
  readonly reason: string;
}

export interface Judged {
  /** With the severity that is wanted. */
  readonly findings: readonly Finding[];
  readonly suppressed: readonly { readonly finding: Finding; readonly reason: string }[];
}

export const NO_SETTINGS: RuleSettings = { severities: new Map(), suppressed: [] };

/** Findings as a person wants to hear of them. @param host the host's label */
export function judged(findings: readonly Finding[], host: string, settings: RuleSettings): Judged {
  const kept: Finding[] = [];
  const suppressed: { finding: Finding; reason: string }[] = [];
  for (const finding of findings) {
    const severity = settings.severities.get(finding.rule) ?? finding.severity;
    if (severity === 'off') continue;
    const one = severity === finding.severity ? finding : { ...finding, severity };
    const { name, uuid } = finding.machine;
    const by = settings.suppressed.find(({ rule, machine, host: of }) => rule === finding.rule && (machine === name || machine === uuid) && (of === undefined || of === host));
    if (by) suppressed.push({ finding: one, reason: by.reason });
    else kept.push(one);
  }
  return { findings: kept, suppressed };
}

/** `undefined` of none. */
export function worstOf(findings: readonly Finding[]): Severity | undefined {
  return SEVERITIES.find(severity => findings.some(finding => finding.severity === severity));
}
