import { randomUUID } from 'node:crypto';
import type { Applied } from '../core/plan/applied';
import { applyQuestion } from '../core/apply/apply';
import { whatWasDone } from '../core/apply/found';
import { type HistoryEntry, isOn } from '../core/apply/history';
import type { Source } from '../core/host/source';
import { describeError } from '../core/messages';
import { layoutOf } from '../core/layout/layouts';
import { buildModel } from '../core/model/buildModel';
import type { HostModel } from '../core/model/hostModel';
import type { ProgramNames } from '../core/model/machines';
import { refuse } from '../core/plan/context';
import { makePlan } from '../core/plan/makePlan';
import type { Plan, Planned } from '../core/plan/plan';
import { printPlan } from '../core/plan/print';
import { planScript } from '../core/plan/script';
import { sentence } from '../core/plan/sentences';
import { undoPlan } from '../core/plan/undo';
import { commandText } from '../core/shellWord';
import { visible } from '../core/visible';
import { ArgumentError, type ChangeArguments, changesOfArguments, machineNamed } from './changes';
import { entriesOf, historyOf, unread } from './history';
import { escapeInvisible } from './json';
import { ask, say } from './terminal';

/** What the commands about plans have to work with. */
export interface PlanCommand {
  readonly source: Source;
  readonly names: ProgramNames;
  /** Aborted when the person gives up. */
  readonly signal: AbortSignal;
  /** One look at the host. */
  limited(): AbortSignal;
  /** In words; time that ran out is told as that. */
  describe(error: unknown): string;
  readonly values: ChangeArguments & { readonly host?: string | undefined; readonly 'ssh-config'?: string; readonly script?: boolean; readonly json?: boolean; readonly expert?: boolean; readonly yes?: boolean; readonly 'owners-way'?: boolean };
}

export async function planCommand(of: PlanCommand, machine: string): Promise<number> {
  const planned = await planOf(of, machine);
  if (!planned.plan) return refusedOf(of, machine, planned);
  if (of.values.script) process.stdout.write(planScript(planned.plan));
  else process.stdout.write(of.values.json ? `${escapeInvisible(JSON.stringify(planned.plan, null, 2))}\n` : printPlan(planned.plan));
  return 0;
}

export async function applyCommand(of: PlanCommand, machine: string): Promise<number> {
  const planned = await planOf(of, machine);
  if (!planned.plan) return refusedOf(of, machine, planned);
  const plan = of.values['owners-way'] ? planned.plan.ownersWay : planned.plan;
  if (!plan) return no('libvirt and systemd have no way of their own for all of this; without --owners-way it is written to the kernel');
  return showAndApply(of, plan, undefined);
}

/** Only what was applied on this very host: the same PIDs and paths mean something else on another one. */
export async function undoCommand(of: PlanCommand, id: string | undefined): Promise<number> {
  const { source } = of;
  if (id === '') throw new ArgumentError('undo takes the ID of a plan, or its beginning, and not ""; see: cgroup-lens history');
  const history = historyOf(source);
  const { entries: all, foreign } = await history.read();
  if (id === undefined && foreign > 0) return no(`${unread(history.path, foreign)}. The last plan may be among them: name the one to undo; see: cgroup-lens history`);
  const entries = all.filter(entry => isOn(entry, source) && entry.undoneBy === undefined && entry.undoes === undefined && !isNothing(entry));
  const entry = id === undefined ? entries.at(-1) : theOne(entries, id);
  if (!entry) return no(id === undefined ? `nothing was applied on ${source.label} from the command line that is not undone` : await whyNoEntry(source, id));
  const model = await modelOf(of);
  // Whose end nobody heard: what the host shows of it counts.
  const applied = entry.applied?.complete ? entry.applied : { steps: whatWasDone(entry.plan, model, entry.applied?.steps), complete: true, remarks: [] };
  const planned = undoPlan(entry.plan, applied, model);
  return planned.plan ? showAndApply(of, planned.plan, entry.id) : refused(planned);
}

async function whyNoEntry(source: Source, id: string): Promise<string> {
  const elsewhere = theOne((await entriesOf(undefined)).filter(entry => !isOn(entry, source)), id);
  if (elsewhere) return `plan ${elsewhere.id} was applied on ${elsewhere.plan.hostLabel}, and not on ${source.label}; it is undone there, or with --host`;
  return `no plan ${id} of ${source.label} that is not undone; see: cgroup-lens history`;
}

/** @throws ArgumentError where several begin so */
function theOne(entries: readonly HistoryEntry[], id: string): HistoryEntry | undefined {
  const fit = entries.filter(entry => entry.id.startsWith(id));
  if (fit.length > 1) throw new ArgumentError(`"${id}" is the beginning of ${fit.length} plans; name one by more of its ID: ${fit.map(entry => `${entry.id} (${entry.plan.title})`).join(', ')}`);
  return fit[0];
}

/** Of all hosts, or of the one that is named. */
export async function historyCommand({ source, values }: PlanCommand): Promise<number> {
  const entries = await entriesOf(values.host === undefined ? undefined : source);
  if (entries.length === 0) say(`nothing was applied${values.host === undefined ? '' : ` on ${source.label}`} from the command line yet`);
  for (const { id, startedAt, plan, applied, undoneBy } of entries) {
    const done = applied?.steps.filter(step => step.state === 'done').length;
    const state = applied === undefined ? 'not known' : `${done} of ${plan.steps.length} done`;
    process.stdout.write(`${id}  ${new Date(startedAt).toISOString()}  ${visible(plan.hostLabel)}  ${state}${undoneBy === undefined ? '' : ', undone'}  ${visible(plan.title)}\n`);
  }
  return 0;
}

/** Of which it is known that nothing was done: there is nothing to take back, and what was done before it is not hidden by it. */
function isNothing({ applied }: HistoryEntry): boolean {
  return applied?.complete === true && !applied.steps.some(({ state }) => state === 'done');
}

async function modelOf({ source, names, limited }: PlanCommand): Promise<HostModel> {
  return (await buildModel(await source.collect(limited()), source, names)).model;
}

async function planOf(of: PlanCommand, name: string): Promise<Planned> {
  const model = await modelOf(of);
  const machine = machineNamed(model, name);
  const changes = changesOfArguments(model, machine, of.values);
  // Else it would be said to be as it should be, while most of its threads have no place of their own yet.
  if (of.values['restore-layout'] && layoutOf(model, machine).stage !== 'complete') return { refusal: refuse('machine-starting', { machine: machine.name }) };
  return makePlan(model, machine, changes, { expert: of.values.expert ?? false });
}

/** To restore what is as it should be is done. */
function refusedOf({ values }: PlanCommand, machine: string, planned: Planned): number {
  if (!values['restore-layout'] || planned.refusal!.because.id !== 'nothing-to-do') return refused(planned);
  say(`nothing is to be done: ${machine} is as its layout has it, as far as can be seen and may be changed`);
  return 0;
}

function refused({ refusal }: Planned): number {
  say(sentence(refusal!.because));
  for (const { title } of refusal!.instead) say(`instead: ${title}`);
  return 1;
}

function no(text: string): number {
  say(text);
  return 1;
}

/** @param undoes the plan of the history that this one takes back */
async function showAndApply(of: PlanCommand, plan: Plan, undoes: string | undefined): Promise<number> {
  process.stderr.write(`${printPlan(plan)}\n`);
  if (!(await isWanted(of, plan))) return no('nothing was done');
  const history = historyOf(of.source);
  const id = randomUUID().slice(0, 8);
  const command = (...words: readonly string[]): string => commandText(['cgroup-lens', ...words, ...hostArguments(of)]);
  await history.append({ v: 1, event: 'started', id, at: Date.now(), plan, ...(undoes === undefined ? {} : { undoes }) });
  let applied: Applied;
  try {
    applied = await of.source.ask!(applyQuestion(plan), of.limited());
  } catch (error) {
    say(of.describe(error));
    return no(`what was done of it is not known; look with: ${command('report')}, and take back what was with: ${command('undo', id)}`);
  }
  // First, for who reads what is printed may be gone. What was done is told in any case; without this line `undo` looks at the host for it.
  await history.append({ v: 1, event: 'ended', id, at: Date.now(), applied }).catch((error: unknown) => say(`the result could not be written down: ${describeError(error)}`));
  process.stdout.write(printPlan(plan, applied));
  if (applied.complete && applied.steps.every(({ state }) => state === 'done')) return 0;
  const some = applied.steps.some(({ state }) => state === 'done');
  say(some ? `it stopped; what was done of it is taken back with: ${command('undo', id)}` : 'nothing of it was done');
  return some ? 3 : 1;
}

/** `--yes` stands for a click, and for no more than that. */
async function isWanted({ values, signal }: PlanCommand, { consent }: Plan): Promise<boolean> {
  if (consent.kind === 'apply' && values.yes) return true;
  if (consent.kind === 'type') return (await ask(`${sentence(consent.because)} Type "${consent.text}" to do it:`, signal)) === consent.text;
  const answer = await ask(consent.kind === 'alone' ? `${sentence(consent.because)} Do it? [y/N]` : 'Do it? [y/N]', signal);
  if (answer === undefined) say(consent.kind === 'apply' ? 'there is no terminal to ask at; add --yes' : 'this is only done when somebody at a terminal confirms it');
  return /^y(es)?$/i.test(answer ?? '');
}

/** The host as it is named on a command line once more. */
function hostArguments({ values }: PlanCommand): string[] {
  return (['host', 'ssh-config'] as const).flatMap(name => (values[name] === undefined ? [] : [`--${name}`, values[name]]));
}
