import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { LOCAL } from '../core/apply/history';
import { CaptureSource } from '../core/capture/captureSource';
import { printCapture } from '../core/capture/format';
import { redact } from '../core/capture/redact';
import { LiveSource } from '../core/collect/collect';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../core/collect/script';
import { CollectError } from '../core/errors';
import { LocalHost } from '../core/host/localHost';
import type { Source } from '../core/host/source';
import { describeCollection, describeError, describeRemoved } from '../core/messages';
import { buildModel } from '../core/model/buildModel';
import { print } from '../core/placement/print';
import { toPlacement } from '../core/placement/toPlacement';
import { HELP, type Values, parseArguments } from './arguments';
import { ArgumentError } from './changes';
import { checkCommand } from './checkCommand';
import { compareCommand } from './compareCommand';
import { explainCommand } from './explainCommand';
import { escapeInvisible, modelToJson } from './json';
import { Limit } from './limit';
import { type PlanCommand, applyCommand, historyCommand, planCommand, undoCommand } from './planCommands';
import type { Opened, Reading } from './reading';
import { shippedWith } from './shipped';
import { sshQuestions } from './sshQuestions';
import { sshSource } from './sshSource';
import { say, writeNew } from './terminal';

/** Longer than any host that works needs. */
const TIMEOUT_SECONDS = 120;

/** Aborted by a signal: the shell that works on the host, and the connection to it, end with us. */
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => abort.abort());
/** A person who reads a plan has all the time they want: what is timed is each look at the host. */
const limit = new Limit(abort.signal, TIMEOUT_SECONDS);

async function main(): Promise<number> {
  const parsed = parseArguments(process.argv.slice(2));
  if (typeof parsed === 'string') {
    process.stderr.write(`${parsed}; see: cgroup-lens --help\n`); // all of it would push the sentence off the screen
    return 2;
  }
  const { command, words, values } = parsed;
  if (values.version && !values.help) {
    process.stdout.write(`cgroup-lens ${(await shippedWith().version()) ?? 'of no known version'}\n`);
    return 0;
  }
  if (values.help || command === undefined) {
    (values.help ? process.stdout : process.stderr).write(HELP);
    return values.help ? 0 : 2;
  }
  if (command === 'explain') return explainCommand(words[0]);
  const qemuExecutables = [...DEFAULT_QEMU_EXECUTABLES, ...(values.qemu ?? [])];
  const names = { qemu: qemuExecutables, managers: MANAGERS, helpers: HELPERS };
  const readingOf = (of: Limit): Reading => ({ open: (host = values.host) => open(values, qemuExecutables, host, of), captureOf, names, signal: abort.signal, limited: () => of.start(), describe: error => describe(error, of) });
  if (command === 'check') return checkCommand(() => readingOf(new Limit(abort.signal, TIMEOUT_SECONDS)), values);
  if (command === 'compare') return compareCommand(readingOf(limit), values, words[0]!, words[1]!);
  const { source, disconnect } = await open(values, qemuExecutables, values.host, limit);
  try {
    return await run(command, words[0], values, source, qemuExecutables);
  } finally {
    disconnect();
  }
}

/** A capture, this host, or one by SSH. */
async function open(values: Values, qemuExecutables: readonly string[], host: string | undefined, of: Limit): Promise<Opened> {
  const disconnect = (): void => undefined;
  if (values.capture !== undefined) return { source: captureOf(values.capture), disconnect };
  if (host === undefined) return { source: new LiveSource(LOCAL, new LocalHost(hostname()), () => ({ qemuExecutables, asRoot: false })), disconnect };
  return sshSource(host, { configFile: values['ssh-config'], asRoot: values['as-root'] ?? false, qemuExecutables, questions: sshQuestions(host, of) });
}

/** Whoever waited for nothing did not cancel it. */
function describe(error: unknown, of = limit): string {
  return of.isOver && CollectError.is(error, 'cancelled') ? `${error.details.host} has not answered within ${of.seconds} s` : describeError(error);
}

async function run(command: string, word: string | undefined, values: Values, source: Source, qemuExecutables: readonly string[]): Promise<number> {
  const of: PlanCommand = { source, names: { qemu: qemuExecutables, managers: MANAGERS, helpers: HELPERS }, signal: abort.signal, limited: () => limit.start(), describe, values };
  switch (command) {
    case 'report':
      return report(source, qemuExecutables, values, limit.start());
    case 'collect':
      return collect(source, values.output, values.force ?? false, limit.start());
    case 'plan':
      return planCommand(of, word!);
    case 'apply':
      return applyCommand(of, word!);
    case 'undo':
      return undoCommand(of, word);
    default:
      return historyCommand(of);
  }
}

function captureOf(file: string): CaptureSource {
  const name = file.replace(/^.*\//s, '').replace(/\.capture$/, '');
  return new CaptureSource(file, name, () => readFile(file));
}

async function report(source: Source, qemuExecutables: readonly string[], { json, host, 'as-root': asRoot }: Values, signal: AbortSignal): Promise<number> {
  const raw = await source.collect(signal);
  const { model, problems } = await buildModel(raw, source, { qemu: qemuExecutables, managers: MANAGERS, helpers: HELPERS });
  if (json) {
    process.stdout.write(`${escapeInvisible(JSON.stringify(modelToJson(model, problems), null, 2))}\n`);
  } else {
    process.stdout.write(model.machines.map(machine => print(toPlacement(model, machine))).join('\n'));
  }
  say(`${source.label}: ${describeCollection(model, problems, source.kind)}`);
  if (source instanceof CaptureSource) for (const p of source.problems) say(`line ${p.line}: expected "${p.expected}", found "${p.found}"`);
  for (const { scope, tids } of model.hidden) say(`${tids.length} hidden tasks in ${scope}, needs root`);
  if (host !== undefined && !asRoot && (model.collection.hides || model.hidden.length > 0)) say('add --as-root to read them too, by sudo -n');
  for (const remark of raw.collection.remarks) say(remark);
  if (model.machines.length === 0) say(`no QEMU process found; looked for ${qemuExecutables.join(', ')}`);
  if (model.mode === 'none') say('no cgroup file system is mounted here');
  return model.collection.complete ? 0 : 3;
}

async function collect(source: Source, output: string | undefined, force: boolean, signal: AbortSignal): Promise<number> {
  const { snapshot, removed } = redact(await source.collect(signal));
  const text = printCapture(snapshot);
  if (output === undefined) process.stdout.write(text);
  else if (!(await writeNew(output, text, force))) return 1;
  for (const line of describeRemoved(removed)) say(`removed: ${line}`);
  return 0;
}

// A reader such as head that has seen enough is no error: what it does not read is dropped, and the exit code stays what
// the command's own is, for a plan may have been applied and faults found. A full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  say(describeError(error));
  process.exit(1);
});
// Nobody is left who could be told; without a listener Node would end in the middle of a plan.
process.stderr.on('error', () => undefined);

main().then(
  code => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say(describe(error));
    process.exitCode = error instanceof ArgumentError ? 2 : 1;
  },
);
