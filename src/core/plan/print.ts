import { t } from '@vscode/l10n';
import type { Applied, StepResult } from './applied';
import type { Action, TaskRef } from '../cgroup/action';
import type { Because, Effect, Outcome } from '../cgroup/outcome';
import { parentOf } from '../cgroup/world';
import { commonDirectory, isWithin } from '../model/subtree';
import { commandText } from '../shellWord';
import { visible } from '../visible';
import type { Plan, Step } from './plan';
import { sentence } from './sentences';

/** A plan as a text to read before it is applied, and after: each step with before → after, what to expect, and the way back. */
export function printPlan(plan: Plan, applied?: Applied): string {
  const alias = aliasOf(plan);
  const facts = [t('host {0}', visible(plan.hostLabel)), ...(plan.machine ? [t('machine {0}', visible(plan.machine.name)), `PID ${plan.machine.pid}`] : []), plan.steps.length === 1 ? t('1 step') : t('{0} steps', plan.steps.length)];
  if (plan.asRoot) facts.push(t('as root, by sudo -n'));
  const lines = [visible(plan.title), facts.join('   ')];
  if (alias !== undefined) lines.push(`S = ${visible(alias)}`);
  if (plan.consent.kind !== 'apply') lines.push('', t('asks before it is applied'), `  ${saying(plan.consent.because, alias)}`);
  const leftOut = plan.warnings.filter(({ because }) => because.id.startsWith('edited-'));
  const warnings = plan.warnings.filter(warning => !leftOut.includes(warning));
  const part = (title: string, of: Plan['warnings']): string[] => (of.length === 0 ? [] : ['', title, ...of.map(({ because }) => `  ${saying(because, alias)}`)]);
  lines.push(...part(t('not part of this plan: the host changed meanwhile'), leftOut), ...part(t('warnings'), warnings));
  plan.steps.forEach((step, i) => lines.push('', ...stepLines(step, i + 1, alias, applied?.steps[i])));
  if (plan.ownersWay && !applied) {
    const words = ({ action }: Step): string => (action.kind === 'tool' ? commandText(action.argv) : actionText(action, alias).join('  '));
    lines.push('', t('by the owner\'s own tool'), ...plan.ownersWay.steps.map(step => `  ${words(step)}`), ...plan.ownersWay.warnings.filter(({ because }) => because.id.startsWith('owners-tool-')).map(({ because }) => `  ${sentence(because)}`));
  }
  if (applied && !applied.complete) lines.push('', t('The answer broke off: what was done is found out when the host is read next.'));
  for (const remark of applied?.remarks ?? []) lines.push('', t('the host said: {0}', visible(remark)));
  return `${lines.join('\n')}\n`;
}

function stepLines(step: Step, number: number, alias: string | undefined, result: StepResult | undefined): string[] {
  const [head, ...rest] = actionText(step.action, alias);
  const label = (name: string, text: string): string => `   ${name.padEnd(9)} ${text}`;
  const expected = step.outcomes.map(outcome => outcomeText(outcome, step.action, alias));
  return [
    `${number}  ${head}`,
    ...rest.map(line => `   ${line}`),
    ...(step.before === undefined || step.action.kind === 'move' ? [] : [label(t('before'), short(step.before, alias))]),
    label(t('expected'), expected.length < 2 ? (expected[0] ?? '?') : t('one of {0}: {1}', expected.length, expected.join(t(' — or ')))),
    label(t('undo'), undoText(step, alias)),
    ...(result ? [label(t('result'), resultText(result, alias))] : []),
  ];
}

/** What an action does: a line with whom it is about, and one with what. */
function actionText(action: Action, alias: string | undefined): string[] {
  switch (action.kind) {
    case 'move':
      return [
        action.file === 'cgroup.procs' ? t('move the whole process {0}   {1}', action.task.pid, visible(action.task.comm)) : t('move {0}', task(action.task)),
        `${visible(action.to.hierarchy)}   ${short(action.from, alias)}  →  ${short(action.to.path, alias)}`,
      ];
    case 'affinity':
      return [t('pin {0}', task(action.task)), t('CPUs {0}', visible(action.cpus))];
    case 'scheduling':
      return [t('schedule {0}', task(action.task)), `${visible(action.policy)} ${action.priority} nice ${action.nice}`];
    case 'make':
      return [t('make a cgroup'), `${visible(action.cgroup.hierarchy)}   ${short(action.cgroup.path, alias)}`];
    case 'remove':
      return [t('remove a cgroup'), `${visible(action.cgroup.hierarchy)}   ${short(action.cgroup.path, alias)}`];
    case 'write':
      return [t('write {0}', visible(action.file)), `${visible(action.cgroup.hierarchy)}   ${short(action.cgroup.path, alias)}   ${value(action.value)}`];
    case 'tool':
      return [t('run a tool of the owner\'s'), commandText(action.argv)];
  }
}

function task({ role, tid, comm }: TaskRef): string {
  return [...(role === undefined ? [] : [visible(role)]), `TID ${tid}`, visible(comm)].join('   ');
}

/** As many things that follow by themselves as a person reads. */
const MOST_EFFECTS = 3;

function outcomeText({ errno, because, effects }: Outcome, action: Action, alias: string | undefined): string {
  const why = because ? saying(because, alias) : '';
  if (errno !== undefined) return [t('refused with {0}', errno), why].filter(Boolean).join(': ');
  const told = effects.filter(effect => !says(because, effect));
  const follows = told.slice(0, MOST_EFFECTS).map(effect => effectText(effect, action, alias));
  if (told.length > MOST_EFFECTS) follows.push(t('and {0} more values', told.length - MOST_EFFECTS));
  return [[t('accepted'), follows.join(', ')].filter(Boolean).join('; '), why].filter(Boolean).join('. ');
}

/** Whether the reason has said it already. */
function says(because: Because | undefined, effect: Effect): boolean {
  const { id, details } = because ?? { id: '', details: {} };
  return effect.kind === 'allowed' ? details['tid'] === effect.tid && details['after'] === effect.cpus : effect.kind === 'type' && id === 'type-changes' && details['path'] === effect.path;
}

/** A reason with the alias that the document has for its longest path. */
function saying(because: Because, alias: string | undefined): string {
  const text = sentence(because);
  return alias === undefined ? text : text.replaceAll(visible(alias), 'S');
}

function effectText(effect: Effect, action: Action, alias: string | undefined): string {
  switch (effect.kind) {
    case 'allowed':
      if (effect.open) return t('which of CPUs {0} it may run on then depends on earlier pins that cannot be read', visible(effect.open.most));
      return 'task' in action && action.task.tid === effect.tid ? t('then it may run on CPUs {0}', visible(effect.cpus)) : t('TID {0} may then run on CPUs {1}', effect.tid, visible(effect.cpus));
    case 'type':
      return t('{0} becomes "{1}"', short(effect.path, alias), visible(effect.type));
    case 'value':
      return t('{0} of {1} then reads {2}', visible(effect.file), short(effect.path, alias), value(effect.value));
  }
}

function undoText({ undo }: Step, alias: string | undefined): string {
  const kind = undo.kind === 'exact' ? t('exact') : undo.kind === 'best effort' ? t('best effort') : t('irreversible');
  return undo.because ? `${kind}: ${saying(undo.because, alias)}` : kind;
}

function resultText({ state, errno, found, said }: StepResult, alias: string | undefined): string {
  const now = found === undefined ? '' : short(found, alias);
  switch (state) {
    case 'done':
      return now === '' ? t('done') : t('done, now {0}', now);
    case 'refused':
      return [errno === undefined || errno === 'EUNKNOWN' ? t('refused') : t('refused with {0}', errno), visible(said ?? '')].filter(Boolean).join(': ');
    case 'changed meanwhile':
      return now === '' ? t('not done: it changed meanwhile') : t('not done: it changed meanwhile, now {0}', now);
    case 'not done':
      return t('not done');
    case 'unknown':
      return t('not known');
  }
}

function value(text: string): string {
  return text === '' ? '""' : visible(text);
}

function short(path: string, alias: string | undefined): string {
  if (path === '') return '""';
  return visible(alias !== undefined && path.startsWith('/') && isWithin(path, alias) ? `S${path.slice(alias.length)}` : path);
}

/** The directory that all paths of the plan are in, where it is worth an alias; or, of threads that come from or go elsewhere, that of the others. */
function aliasOf({ steps }: Plan): string | undefined {
  const to = steps.flatMap(({ action }) => (action.kind === 'move' ? [action.to.path] : 'cgroup' in action ? [action.cgroup.path] : []));
  const from = steps.flatMap(({ action }) => (action.kind === 'move' ? [action.from] : []));
  for (const paths of [[...from, ...to], to, from]) {
    const common = commonDirectory(paths.map(path => parentOf(path) ?? '/'));
    if (common !== undefined && common.length > 12) return common;
  }
  return undefined;
}
