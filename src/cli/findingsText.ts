import { layoutText } from '../core/layout/layout';
import { layoutOf } from '../core/layout/layouts';
import type { HostModel, Machine, Thread } from '../core/model/hostModel';
import { roleText } from '../core/model/roles';
import { parsePlacement } from '../core/placement/parse';
import { print } from '../core/placement/print';
import { toPlacement } from '../core/placement/toPlacement';
import { restoreLayout } from '../core/rules/restoreLayout';
import { type Finding, type Fix, SEVERITIES, type Severity } from '../core/rules/rule';
import { commandText } from '../core/shellWord';
import { visible } from '../core/visible';
import { RESTORE, argumentsOfChanges } from './changeArguments';
import { isNamed } from './changes';

export interface TextOptions {
  /** Columns. A path may be longer than that: it is not broken. */
  readonly width: number;
  readonly colours: boolean;
  /** What stands behind `plan MACHINE` for it to be about the same host: `--host web1`. */
  readonly about: readonly string[];
}

const COLOURS: Readonly<Record<Severity, number>> = { error: 31, warning: 33, information: 36, hint: 2 };
/** As many columns as the longest of the words before what is said. */
const WORD = 6;

/** Findings of one host for people, machine by machine, the worst first. */
export function findingsText(model: HostModel, findings: readonly Finding[], options: TextOptions): string {
  const machines = new Map<Machine, Finding[]>();
  for (const finding of findings) {
    const own = machines.get(finding.machine);
    if (own) own.push(finding);
    else machines.set(finding.machine, [finding]);
  }
  return [...machines].map(([machine, own]) => machineText(model, machine, own, options)).join('\n');
}

function machineText(model: HostModel, machine: Machine, findings: readonly Finding[], options: TextOptions): string {
  const { alias } = parsePlacement(print(toPlacement(model, machine)));
  const layout = layoutOf(model, machine);
  const head = [visible(machine.name), `PID ${machine.pid}`, ...(layout ? [layoutText(layout)] : []), visible(model.label)].join('   ');
  const lines = [paint(head, 1, options), ...(alias === undefined ? [] : [`S = ${visible(alias)}`])];
  const worstFirst = [...findings].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  for (const finding of worstFirst) lines.push('', ...findingLines(model, finding, alias, options));
  const threads = new Set(findings.filter(({ at }) => at.kind === 'place' && at.expected !== undefined).flatMap(({ threads: of }) => of));
  if (threads.size > 1 && restoreLayout(model, machine).length > 0) lines.push('', ...wrapped('  ', `${threads.size} threads are elsewhere; all that brings ${visible(machine.name)} to its layout:`, options.width), `    ${commandText(planOf(model, machine, options.about, [RESTORE]))}`);
  return `${lines.join('\n')}\n`;
}

function findingLines(model: HostModel, finding: Finding, alias: string | undefined, options: TextOptions): string[] {
  const shown = (path: string): string => spelled(path, alias);
  const { severity, rule, threads, evidence } = finding;
  const commands = finding.fixes.map(fix => ({ fix, command: commandOf(model, finding.machine, fix, shown, options.about) }));
  const own = commands.filter(({ command }) => command && !command.includes(RESTORE)); // the rest is said once, at the end of the machine
  const line = (name: string, text: string): string[] => wrapped(`    ${name.padEnd(WORD)} `, text, options.width);
  return [
    `  ${[paint(severity, COLOURS[severity], options), rule, threadsText(threads)].filter(part => part !== '').join('   ')}`,
    ...wrapped('    ', finding.sentence(shown), options.width),
    ...line('costs', finding.cost()),
    ...evidence.flatMap(({ file, value }) => {
      const [name, text] = [file, value].map(long => visible(long === '' ? '(empty)' : alias === undefined ? long : long.replace(`${alias}/`, '$S/'))) as [string, string]; // most of each would be the machine's directory
      const fits = name.length + text.length + WORD + 8 <= options.width;
      return fits ? [`    ${'read'.padEnd(WORD)} ${name}   ${text}`] : [`    ${'read'.padEnd(WORD)} ${name}`, `    ${' '.repeat(WORD)}   ${text}`];
    }),
    ...line('do', finding.advice(shown)),
    ...(own.length > 0 ? own : commands).flatMap(({ fix, command }) => [
      ...line('fix', fix.title(shown)),
      ...(command === undefined ? [] : [`    ${' '.repeat(WORD)}   ${commandText(command)}`]),
    ]),
  ];
}

/** The command that shows the plan of a fix; `undefined` where the command line has no words for it. */
export function commandOf(model: HostModel, machine: Machine, fix: Fix, shown: (path: string) => string, about: readonly string[]): string[] | undefined {
  const found = argumentsOfChanges(model, machine, fix.changes(), shown);
  return found && planOf(model, machine, about, found);
}

function planOf(model: HostModel, machine: Machine, about: readonly string[], changes: readonly string[]): string[] {
  const isAlone = model.machines.every(other => other === machine || !isNamed(other, machine.name)) && !machine.name.startsWith('-');
  return ['cgroup-lens', 'plan', isAlone ? machine.name : String(machine.pid), ...about, ...changes];
}

/** As it is spelled in arguments too: `S/vcpu2`. */
export function spelled(path: string, alias: string | undefined): string {
  if (alias === undefined) return path;
  return path === alias ? 'S' : path.startsWith(`${alias}/`) ? `S${path.slice(alias.length)}` : path;
}

/** Those that a line has room for. */
const MOST = 4;

function threadsText(threads: readonly Thread[]): string {
  const some = threads.slice(0, MOST).map(({ role, tid }) => `${visible(roleText(role))} (${tid})`);
  return [...some, ...(threads.length > MOST ? [`and ${threads.length - MOST} more`] : [])].join(', ');
}

/** Words in lines, each as far right as the first begins. */
function wrapped(lead: string, text: string, width: number): string[] {
  const lines: string[] = [];
  let line = lead;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(lead.length);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

function paint(text: string, colour: number, { colours }: TextOptions): string {
  return colours ? `\x1b[${colour}m${text}\x1b[0m` : text;
}
