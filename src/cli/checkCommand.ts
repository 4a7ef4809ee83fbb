import { setTimeout as sleep } from 'node:timers/promises';
import { CaptureSource } from '../core/capture/captureSource';
import type { Source } from '../core/host/source';
import { describeCollection, describeError } from '../core/messages';
import type { HostModel } from '../core/model/hostModel';
import { atOnce } from '../core/model/pace';
import { Rates } from '../core/model/rates';
import { ALL_RULES, checking } from '../core/rules/allRules';
import { CheckedHost } from '../core/rules/checkedHost';
import { type Finding, SEVERITIES, type Severity } from '../core/rules/rule';
import { judged, worstOf } from '../core/rules/settings';
import { visible } from '../core/visible';
import { ArgumentError, isNamed, machineNamed } from './changes';
import { type CheckedSource, type Unread, findingsToJson } from './findingsJson';
import { findingsText } from './findingsText';
import { escapeInvisible } from './json';
import { type Reading, read } from './reading';
import { printSarif, toSarif } from './sarif';
import { canAsk, say, writeNew } from './terminal';

export interface CheckArguments {
  readonly capture?: string | undefined;
  readonly hosts: readonly string[];
  readonly 'ssh-config'?: string | undefined;
  readonly 'as-root'?: boolean | undefined;
  readonly machine?: string | undefined;
  readonly json?: boolean | undefined;
  readonly sarif?: boolean | undefined;
  readonly severity?: string | undefined;
  readonly rule?: readonly string[] | undefined;
  readonly seconds?: string | undefined;
  readonly output?: string | undefined;
  readonly force?: boolean | undefined;
}

/** What is wrong, as it is wanted. */
interface Wanted {
  readonly severities: ReadonlyMap<string, Severity | 'off'>;
  /** The least that is told. */
  readonly least: Severity;
  readonly seconds: number;
  readonly machine: string | undefined;
}

/** More than anybody waits, and a number that a timer takes. */
const MOST_SECONDS = 3600;

/** Hosts that are looked at together; at a terminal one after the other, for any of them may ask something. */
const TOGETHER = 8;

/** Prints what is wrong; the exit code tells how much. One host that cannot be read does not keep the others from being looked at. */
export async function checkCommand(readingOf: () => Reading, values: CheckArguments): Promise<number> {
  const wanted = wantedOf(values);
  const hosts = values.hosts.length === 0 ? [undefined] : values.hosts;
  const looks: (CheckedSource | Unread)[] = [];
  let next = 0;
  const lookAtSome = async (): Promise<void> => {
    while (next < hosts.length) {
      const at = next++;
      looks[at] = await lookAt(readingOf(), values, wanted, hosts[at]);
    }
  };
  await Promise.all(Array.from({ length: canAsk() ? 1 : TOGETHER }, lookAtSome));
  const checked = looks.filter((look): look is CheckedSource => 'model' in look);
  const unread = looks.filter((look): look is Unread => 'why' in look);
  if (checked.length === 0) return 1; // each was said
  if (wanted.machine !== undefined && !checked.some(({ findings, model }) => findings.length > 0 || namesMachine(model, wanted.machine!))) machineNamed(checked[0]!.model, wanted.machine);
  const text = await textOf(checked, unread, values);
  if (values.output === undefined) process.stdout.write(text);
  else if (!(await writeNew(values.output, text, values.force ?? false))) return 1;
  return exitCode(checked, unread);
}

/** 11 an error, 10 a warning, whatever else could not be read: who is told of a fault knows it to be there. 3 some of it could not be read. */
function exitCode(checked: readonly CheckedSource[], unread: readonly Unread[]): number {
  const worst = worstOf(checked.flatMap(({ findings }) => findings));
  if (worst === 'error') return 11;
  if (worst === 'warning') return 10;
  return unread.length > 0 || checked.some(({ model, failures }) => !model.collection.complete || (failures ?? []).length > 0) ? 3 : 0;
}

/** What is wrong on a host, or why that is not known. */
async function lookAt(reading: Reading, values: CheckArguments, wanted: Wanted, host: string | undefined): Promise<CheckedSource | Unread> {
  try {
    return await checkOne(reading, values, wanted, host);
  } catch (error) {
    if (error instanceof ArgumentError || reading.signal.aborted) throw error;
    const why = reading.describe(error);
    say(why);
    return { host: host ?? '', why };
  }
}

async function checkOne(reading: Reading, values: CheckArguments, wanted: Wanted, host: string | undefined): Promise<CheckedSource> {
  const { source, disconnect } = await reading.open(host);
  try {
    const first = await read(reading, source);
    const seconds = source.kind === 'capture' ? 0 : wanted.seconds;
    let { model, problems } = first;
    if (seconds > 0) {
      await sleep(seconds * 1000, undefined, { signal: reading.signal });
      ({ model, problems } = await read(reading, source));
    }
    const rates = seconds > 0 ? new Rates(first.model, model) : undefined;
    const failures: string[] = [];
    const found = atOnce(checking(new CheckedHost(model, rates), ({ rule, machine: of, error }) => failures.push(`${rule} failed on ${of.name}, so what it would have found is not known: ${describeError(error)}`)));
    const { findings } = judged(found, model.label, { severities: wanted.severities, suppressed: [] });
    const told = SEVERITIES.slice(0, SEVERITIES.indexOf(wanted.least) + 1);
    const machine = wanted.machine !== undefined && namesMachine(model, wanted.machine) ? machineNamed(model, wanted.machine) : undefined;
    const isWanted = (finding: Finding): boolean => told.includes(finding.severity) && (wanted.machine === undefined || finding.machine === machine);
    caveats(source, model, problems, values);
    for (const failure of failures) say(`${source.label}: ${failure}`);
    const hints = findings.filter(({ severity }) => severity === 'hint').length;
    if (hints > 0 && !told.includes('hint') && values.severity === undefined && process.stderr.isTTY) say(`${source.label}: ${hints} hints; --severity hint tells them`);
    return { kind: source.kind, model, seconds, findings: findings.filter(isWanted), failures, about: aboutOf(values, host) };
  } finally {
    disconnect();
  }
}

/** Whether there is at least one: with several hosts it need not be on each. */
function namesMachine(model: HostModel, name: string): boolean {
  return model.machines.some(machine => isNamed(machine, name));
}

/** Why there may be more that is wrong than what is told. Nothing else: what a cron job says is sent to somebody. */
function caveats(source: Source, model: HostModel, problems: Parameters<typeof describeCollection>[1], values: CheckArguments): void {
  const { complete, hides, remarks } = model.collection;
  const tell = (text: string): void => say(`${source.label}: ${text}`);
  if (!complete || hides || problems.length > 0 || process.stderr.isTTY) tell(describeCollection(model, problems, source.kind));
  if (source instanceof CaptureSource) for (const p of source.problems) tell(`line ${p.line}: expected "${p.expected}", found "${p.found}"`);
  for (const { scope, tids } of model.hidden) tell(`${tids.length} hidden tasks in ${scope}, needs root`);
  if (values.hosts.length > 0 && values['as-root'] !== true && (hides || model.hidden.length > 0)) tell('add --as-root to read them too, by sudo -n');
  for (const remark of remarks) tell(remark);
}

async function textOf(checked: readonly CheckedSource[], unread: readonly Unread[], values: CheckArguments): Promise<string> {
  if (values.sarif) return printSarif(await toSarif(checked, unread));
  if (values.json) return `${escapeInvisible(JSON.stringify(findingsToJson(checked, unread), null, 2))}\n`;
  const isTerminal = values.output === undefined && process.stdout.isTTY === true;
  const width = Math.min(120, Math.max(60, isTerminal ? process.stdout.columns : 100));
  const colours = isTerminal && (process.env['NO_COLOR'] ?? '') === '';
  const texts = checked.filter(({ findings }) => findings.length > 0).map(({ model, findings, about }) => findingsText(model, findings, { width, colours, about }));
  if (texts.length === 0) return isTerminal ? `nothing found: ${checked.map(({ model }) => `${visible(model.label)}, ${model.machines.length} machines`).join('; ')}\n` : '';
  return texts.join('\n');
}

function aboutOf(values: CheckArguments, host: string | undefined): string[] {
  const capture = values.capture === undefined ? [] : ['--capture', values.capture];
  const of = host === undefined ? [] : ['--host', host];
  return [...capture, ...of, ...(host !== undefined && values['ssh-config'] !== undefined ? ['--ssh-config', values['ssh-config']] : [])];
}

/** @throws ArgumentError */
function wantedOf(values: CheckArguments): Wanted {
  if (values.json && values.sarif) throw new ArgumentError('--json and --sarif are two forms of one answer: name one');
  // Hints are true of every healthy machine: who reads wants what is wrong, and a program all of it.
  const least = values.severity ?? (values.json || values.sarif ? 'hint' : 'information');
  if (!isSeverity(least)) throw new ArgumentError(`--severity takes ${SEVERITIES.join(', ')}, and not "${least}"`);
  const seconds = Number(values.seconds ?? 1);
  if (values.seconds?.trim() === '' || !(seconds >= 0 && seconds <= MOST_SECONDS)) throw new ArgumentError(`--seconds takes a number from 0 to ${MOST_SECONDS}, and not "${values.seconds}"`);
  return { severities: new Map((values.rule ?? []).map(ruleOf)), least, seconds, machine: values.machine };
}

function ruleOf(text: string): [string, Severity | 'off'] {
  const [id, severity, ...more] = text.split('=');
  if (!ALL_RULES.some(rule => rule.id === id)) throw new ArgumentError(`there is no rule "${id}"; see: cgroup-lens explain`);
  if (severity === undefined || more.length > 0 || !(severity === 'off' || isSeverity(severity))) throw new ArgumentError(`--rule takes ID=${[...SEVERITIES, 'off'].join('|')}, and not "${text}"`);
  return [id!, severity];
}

function isSeverity(text: string): text is Severity {
  return (SEVERITIES as readonly string[]).includes(text);
}
