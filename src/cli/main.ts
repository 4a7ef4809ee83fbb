import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { CaptureSource } from '../core/capture/captureSource';
import { printCapture } from '../core/capture/format';
import { redact } from '../core/capture/redact';
import { LiveSource } from '../core/collect/collect';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../core/collect/script';
import { LocalHost } from '../core/host/localHost';
import type { Source } from '../core/host/source';
import { describeCollection, describeError, describeRemoved } from '../core/messages';
import { buildModel } from '../core/model/buildModel';
import { print } from '../core/placement/print';
import { toPlacement } from '../core/placement/toPlacement';
import { isProgramName } from '../core/parse/programName';
import { visible } from '../core/visible';
import { ArgumentError } from './changes';
import { modelToJson } from './json';
import { type PlanCommand, applyCommand, historyCommand, planCommand, undoCommand } from './planCommands';
import { say, writeNew } from './terminal';

const HELP = `cgroup-lens: where every QEMU thread sits, and puts it right

  cgroup-lens report [--capture FILE] [--json]
      the placement of each machine, of this host or of a capture
  cgroup-lens collect [--output FILE [--force]]
      a capture of this host, redacted, to FILE or to standard output; an existing
      FILE is kept unless --force is given
  cgroup-lens plan MACHINE CHANGE... [--capture FILE] [--script | --json] [--expert]
      what would be done, what the kernel would answer, and the way back; changes
      nothing. --script: as a shell script that makes the same checks
  cgroup-lens apply MACHINE CHANGE... [--yes] [--owners-way] [--expert]
      shows the plan, asks, and does it. --yes: asks nothing, but for what has to be
      confirmed by itself. --owners-way: by virsh or systemctl, where they have a way
  cgroup-lens undo [ID] [--yes]
      takes back what is still as the last plan (or plan ID) left it
  cgroup-lens history
      plans that were applied here from the command line

CHANGE, any number of them:
  --move THREAD=CGROUP           --pin THREAD=0-3,8 | THREAD=each:4-7 | THREAD=all
  --set CGROUP/FILE=VALUE        --schedule THREAD=other[:nice:5] | batch[:nice:5] | idle | fifo:10 | rr:10
  --make CGROUP                  --remove CGROUP
  --hierarchy KEY                only there (cpuset, cpu,cpuacct, 0::); else wherever CGROUP is, and for
                                 --make beside the machine's other groups
  THREAD is a TID, emulator, vcpu2, vcpus, iothread:ID, iothreads or a role such as worker.
  CGROUP is S/vcpu2, S for the directory of the machine's groups, or a path as in /proc/PID/cgroup; FILE one
  of its interface files: v2 has cpu.max (50000 100000), v1 cpu.cfs_quota_us (50000).
  They are done in this order: make, set, move, pin, schedule, remove; the plan shows it.

  --qemu NAME   name of a QEMU executable besides ${DEFAULT_QEMU_EXECUTABLES.join(', ')}; * at the end for a prefix

Exit code: 0 done, 1 could not be done, 2 wrong arguments, 3 done in part (a damaged capture, a plan that stopped).
`;

/** Longer than any host that works needs. */
const TIMEOUT_SECONDS = 120;

/** Aborted by a signal or when it takes too long: the shell that works on the host ends with us. */
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => abort.abort());

const CHANGES = ['move', 'pin', 'schedule', 'set', 'make', 'remove', 'hierarchy'] as const;
/** Which options go with which command, besides `qemu` and `help`. */
const COMMANDS: Readonly<Record<string, { readonly options: readonly string[]; readonly arguments: readonly [least: number, most: number] }>> = {
  report: { options: ['capture', 'json'], arguments: [0, 0] },
  collect: { options: ['output', 'force'], arguments: [0, 0] },
  plan: { options: [...CHANGES, 'capture', 'script', 'json', 'expert'], arguments: [1, 1] },
  apply: { options: [...CHANGES, 'yes', 'owners-way', 'expert'], arguments: [1, 1] },
  undo: { options: ['yes'], arguments: [0, 1] },
  history: { options: [], arguments: [0, 0] },
};

async function main(): Promise<number> {
  const parsed = parseArguments();
  if (typeof parsed === 'string') {
    process.stderr.write(`${parsed}\n\n${HELP}`);
    return 2;
  }
  const { command, words, values } = parsed;
  if (values.help || command === undefined) {
    (values.help ? process.stdout : process.stderr).write(HELP);
    return values.help ? 0 : 2;
  }
  const qemuExecutables = [...DEFAULT_QEMU_EXECUTABLES, ...(values.qemu ?? [])];
  const source = values.capture === undefined ? new LiveSource('local', new LocalHost(hostname()), () => ({ qemuExecutables, asRoot: false })) : captureOf(values.capture);
  // A person who reads a plan has all the time they want: what is timed is each look at the host.
  const limited = (): AbortSignal => AbortSignal.any([abort.signal, AbortSignal.timeout(TIMEOUT_SECONDS * 1000)]);
  const of: PlanCommand = { source, names: { qemu: qemuExecutables, managers: MANAGERS, helpers: HELPERS }, signal: abort.signal, limited, values };
  switch (command) {
    case 'report':
      return report(source, qemuExecutables, values.json ?? false, limited());
    case 'collect':
      return collect(source, values.output, values.force ?? false, limited());
    case 'plan':
      return planCommand(of, words[0]!);
    case 'apply':
      return applyCommand(of, words[0]!);
    case 'undo':
      return undoCommand(of, words[0]);
    default:
      return historyCommand(of);
  }
}

function parseArguments() {
  try {
    const several = { type: 'string', multiple: true } as const;
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        ...{ capture: { type: 'string' }, json: { type: 'boolean' }, output: { type: 'string', short: 'o' }, force: { type: 'boolean' } },
        ...{ script: { type: 'boolean' }, expert: { type: 'boolean' }, yes: { type: 'boolean', short: 'y' }, 'owners-way': { type: 'boolean' } },
        ...{ move: several, pin: several, schedule: several, set: several, make: several, remove: several, hierarchy: several },
        qemu: several,
        help: { type: 'boolean', short: 'h' },
      },
    });
    const [command, ...words] = positionals;
    if (values.help || command === undefined) return { command, words, values } as const;
    const known = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
    if (!known) return `unknown command: ${visible(command)}`;
    const stranger = Object.keys(values).find(name => !['qemu', 'help', ...known.options].includes(name));
    if (stranger !== undefined) return `--${stranger} does not go with ${command}`;
    if (words.length > known.arguments[1]) return `unexpected argument: ${visible(words[known.arguments[1]]!)}`;
    if (words.length < known.arguments[0]) return `${command} needs the name of a machine`;
    if (values.qemu?.some(name => !isProgramName(name))) return '--qemu takes the name of a program, without a path, * at its end for a prefix';
    return { command, words, values } as const;
  } catch (error) {
    return describeError(error).replace(/\. .*$/s, ''); // what Node adds is about Node
  }
}

function captureOf(file: string): CaptureSource {
  const name = file.replace(/^.*\//s, '').replace(/\.capture$/, '');
  return new CaptureSource(file, name, () => readFile(file));
}

async function report(source: Source, qemuExecutables: readonly string[], json: boolean, signal: AbortSignal): Promise<number> {
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

/** JSON escapes only what is below U+0020: a terminal obeys more than that. */
function escapeInvisible(json: string): string {
  return json.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} \n]/gu, char => Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''));
}

// A reader such as head that has seen enough is no error; a full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') say(describeError(error));
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

main().then(
  code => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say(describeError(error));
    process.exitCode = error instanceof ArgumentError ? 2 : 1;
  },
);
