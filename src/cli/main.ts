import { readFile, writeFile } from 'node:fs/promises';
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
import { modelToJson } from './json';

const HELP = `cgroup-lens: where every QEMU thread sits

  cgroup-lens report [--capture FILE] [--json] [--qemu NAME]...
      the placement of each machine, of this host or of a capture
  cgroup-lens collect [--output FILE [--force]] [--qemu NAME]...
      a capture of this host, redacted, to FILE or to standard output; an existing
      FILE is kept unless --force is given

  --qemu NAME   name of a QEMU executable besides ${DEFAULT_QEMU_EXECUTABLES.join(', ')}; * at the end for a prefix

Exit code: 0 done, 1 could not be done, 2 wrong arguments, 3 done in part (a damaged capture).
`;

/** Longer than any host that works needs. */
const TIMEOUT_SECONDS = 120;

/** Aborted by a signal or when it takes too long: the shell that reads the host ends with us. */
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => abort.abort());
setTimeout(() => abort.abort(), TIMEOUT_SECONDS * 1000).unref();

async function main(): Promise<number> {
  const parsed = parseArguments();
  if (typeof parsed === 'string') {
    process.stderr.write(`${parsed}\n\n${HELP}`);
    return 2;
  }
  const { command, values } = parsed;
  if (values.help || command === undefined) {
    (values.help ? process.stdout : process.stderr).write(HELP);
    return values.help ? 0 : 2;
  }
  const qemuExecutables = [...DEFAULT_QEMU_EXECUTABLES, ...(values.qemu ?? [])];
  const source = values.capture === undefined ? new LiveSource('local', new LocalHost(hostname()), () => ({ qemuExecutables, asRoot: false })) : captureOf(values.capture);
  return command === 'report' ? report(source, qemuExecutables, values.json ?? false) : collect(source, values.output, values.force ?? false);
}

function parseArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        capture: { type: 'string' },
        json: { type: 'boolean' },
        output: { type: 'string', short: 'o' },
        force: { type: 'boolean' },
        qemu: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const command = positionals[0];
    if (positionals.length > 1) return `unexpected argument: ${visible(positionals[1]!)}`;
    if (command !== undefined && command !== 'report' && command !== 'collect') return `unknown command: ${visible(command)}`;
    if (command === 'collect' && (values.capture !== undefined || values.json)) return '--capture and --json go with report';
    if (command === 'report' && (values.output !== undefined || values.force)) return '--output and --force go with collect';
    if (values.qemu?.some(name => !isProgramName(name))) return '--qemu takes the name of a program, without a path, * at its end for a prefix';
    return { command, values } as const;
  } catch (error) {
    return describeError(error).replace(/\. .*$/s, ''); // what Node adds is about Node
  }
}

function captureOf(file: string): CaptureSource {
  const name = file.replace(/^.*\//s, '').replace(/\.capture$/, '');
  return new CaptureSource(file, name, () => readFile(file));
}

async function report(source: Source, qemuExecutables: readonly string[], json: boolean): Promise<number> {
  const raw = await source.collect(abort.signal);
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

async function collect(source: Source, output: string | undefined, force: boolean): Promise<number> {
  const { snapshot, removed } = redact(await source.collect(abort.signal));
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

/** A file that is there already may be somebody's only copy. */
async function writeNew(file: string, text: string, force: boolean): Promise<boolean> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: force ? 'w' : 'wx' });
    return true;
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    say(exists ? `${file} exists already; choose another name, or add --force to replace it` : `${file} cannot be written: ${describeError(error)}`);
    return false;
  }
}

function say(text: string): void {
  process.stderr.write(`${visible(text)}\n`);
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
    process.exitCode = 1;
  },
);
