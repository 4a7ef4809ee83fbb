import { existsSync } from 'node:fs';
import { type Comparison, type Difference, PLACEMENT_DIFFERS, compareMachines, pairMachines } from '../core/compare/compare';
import type { Source } from '../core/host/source';
import { describeCollection } from '../core/messages';
import type { HostModel, Machine } from '../core/model/hostModel';
import { visible } from '../core/visible';
import { ArgumentError, machineNamed } from './changes';
import { escapeInvisible } from './json';
import { type Opened, type Reading, read } from './reading';
import { say } from './terminal';

export interface CompareArguments {
  readonly host?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `FILE`, `FILE#MACHINE`, `.`, `.#MACHINE` */
interface Named {
  /** `undefined`: a host. */
  readonly file: string | undefined;
  readonly machine: string | undefined;
}

/** Two sides, and what of them is compared with what. */
interface Compared {
  readonly models: readonly [HostModel, HostModel];
  readonly comparisons: readonly { readonly machines: readonly [Machine, Machine]; readonly comparison: Comparison }[];
  /** Machines of which the other side has none. */
  readonly only: readonly [readonly Machine[], readonly Machine[]];
}

/** Prints what differs. Exit code 0: nothing, 10: something, 3: nothing in what could be read. */
export async function compareCommand(reading: Reading, values: CompareArguments, a: string, b: string): Promise<number> {
  const sides = [named(a), named(b)] as const;
  if (values.host !== undefined && sides.every(({ file }) => file !== undefined)) throw new ArgumentError('--host is what . stands for, and neither of the two is .');
  const models = await modelsOf(reading, sides);
  const { pairs, only } = pairsOf(models, sides);
  const comparisons = pairs.map(machines => ({ machines, comparison: compareMachines({ model: models[0], machine: machines[0] }, { model: models[1], machine: machines[1] }) }));
  const compared = { models, comparisons, only };
  if (values.json) process.stdout.write(`${escapeInvisible(JSON.stringify(toJson(compared), null, 2))}\n`);
  else process.stdout.write(textOf(compared));
  if (comparisons.some(({ comparison }) => comparison.differences.length > 0) || only.some(machines => machines.length > 0)) return 10;
  return models.every(({ collection }) => collection.complete) ? 0 : 3;
}

function named(text: string): Named {
  // Both a file and a machine may have one in their names: what is there is the file.
  const cuts = [...text.matchAll(/#/g)].map(({ index }) => index).reverse();
  const at = cuts.find(cut => text.slice(0, cut) === '.' || existsSync(text.slice(0, cut))) ?? cuts[0] ?? -1;
  const isWhole = at < 0 || existsSync(text);
  const [what, machine] = isWhole ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  if (what === '' || machine === '') throw new ArgumentError(`"${text}" should be FILE, FILE#MACHINE, . or .#MACHINE`);
  return { file: what === '.' ? undefined : what, machine };
}

/** Of a host that is both sides there is one look. */
async function modelsOf(reading: Reading, sides: readonly [Named, Named]): Promise<readonly [HostModel, HostModel]> {
  const host = sides.some(({ file }) => file === undefined) ? await readAndLeave(reading) : undefined;
  const [a, b] = [await modelOf(reading, sides[0], host), await modelOf(reading, sides[1], host)];
  return [a, b];
}

async function modelOf(reading: Reading, { file }: Named, host: HostModel | undefined): Promise<HostModel> {
  return file === undefined ? host! : readOne(reading, reading.captureOf(file));
}

async function readAndLeave(reading: Reading): Promise<HostModel> {
  const { source, disconnect }: Opened = await reading.open();
  try {
    return await readOne(reading, source);
  } finally {
    disconnect();
  }
}

async function readOne(reading: Reading, source: Source): Promise<HostModel> {
  const { model, problems } = await read(reading, source);
  if (!model.collection.complete || model.collection.hides || process.stderr.isTTY) say(`${source.label}: ${describeCollection(model, problems, source.kind)}`);
  return model;
}

/** Those that are named; beside one that is named that of its UUID or name, or the only one there is; else all. */
function pairsOf(models: readonly [HostModel, HostModel], [a, b]: readonly [Named, Named]): ReturnType<typeof pairMachines> {
  const [one, other] = [a.machine, b.machine].map((name, i) => (name === undefined ? undefined : machineNamed(models[i]!, name)));
  const pair = (first: Machine, second: Machine): ReturnType<typeof pairMachines> => ({ pairs: [[first, second]], only: [[], []] });
  if (one && other) return pair(one, other);
  if (one) return pair(one, counterpart(one, models[1]));
  if (other) return pair(counterpart(other, models[0]), other);
  const [first, second] = models.map(({ machines }) => (machines.length === 1 ? machines[0] : undefined));
  if (first && second) return pair(first, second);
  return pairMachines(...models);
}

/** @throws ArgumentError */
function counterpart(machine: Machine, model: HostModel): Machine {
  const { machines } = model;
  if (machines.length === 1) return machines[0]!;
  const twin = machine.uuid === undefined ? undefined : machines.find(({ uuid }) => uuid === machine.uuid);
  const namesakes = machines.filter(({ name }) => name === machine.name); // and not who has that PID
  return twin ?? (namesakes.length === 1 ? namesakes[0]! : machineNamed(model, machine.name));
}

function textOf({ models, comparisons, only }: Compared): string {
  const lines: string[] = [];
  for (const { machines, comparison } of comparisons) {
    const { differences, labels } = comparison;
    if (differences.length === 0) continue;
    const names = machines[0].name === machines[1].name ? [machines[0].name] : machines.map(({ name }) => name);
    if (lines.length > 0) lines.push('');
    lines.push(`${names.map(visible).join(', ')}   ${labels.map(visible).join(' → ')}`);
    for (const { sentence, evidence } of differences) {
      lines.push(`  ${sentence()}`);
      evidence.forEach((one, i) => one && lines.push(`    ${visible(labels[i]!)}: ${visible(one.file)}   ${visible(one.value)}`));
    }
  }
  only.forEach((machines, i) => machines.forEach(({ name, pid }) => lines.push(`${visible(name)} (PID ${pid}) is only in ${i === 0 ? 'the first' : 'the second'}: ${visible(models[i]!.label)}`)));
  return lines.map(line => `${line}\n`).join('');
}

/** Fields are added, never renamed. */
function toJson({ models, comparisons, only }: Compared): object {
  const about = ({ name, uuid, pid }: Machine): object => ({ name, uuid, pid });
  return {
    version: 1,
    hosts: models.map(({ label, collection }) => ({ host: label, readAt: new Date(collection.startedAt).toISOString(), complete: collection.complete })),
    machines: comparisons.map(({ machines, comparison }) => ({ machines: machines.map(about), differences: comparison.differences.map(differenceToJson) })),
    only: only.map(machines => machines.map(about)),
  };
}

function differenceToJson({ section, fact, sentence, evidence }: Difference): object {
  return { rule: PLACEMENT_DIFFERS, severity: 'information', section, fact, sentence: sentence(), evidence: evidence.map(one => one ?? null) };
}
