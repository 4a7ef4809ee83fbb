import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { HostModel } from '../../../src/core/model/hostModel';
import { Rates } from '../../../src/core/model/rates';
import { makePlan } from '../../../src/core/plan/makePlan';
import { findingsOf } from '../../../src/core/rules/allRules';
import { compareMachines } from '../../../src/core/compare/compare';
import { findingsToJson } from '../../../src/cli/findingsJson';
import { findingsText } from '../../../src/cli/findingsText';
import { visible } from '../../../src/core/visible';
import { ERRNOS } from '../../../src/core/rawSnapshot';
import { ALL_HOSTS, type Changeable, type HostName, model, snapshot } from '../fixtures';
import { hostileText } from '../capture/snapshots';

/** What a file may read instead: nothing, too much, what no kernel writes, what another one of its kind reads. */
const reading = fc.oneof(
  fc.constantFrom('', '\n', '0\n', '-1\n', 'max\n', 'max max\n', '18446744073709551615\n', '99999999999999999999\n', '1e400\n', 'NaN\n', '0-99999999\n', '3-1\n', '0,0\n', ',\n', 'root invalid (x)\n', 'domain invalid\n', 'threaded\n', 'isolated\n', '0 0\n', '1 0\n', 'some avg10=100.00 avg60=-1 avg300=x total=y\n', '0::/\n', '0::/../../x\n', '0::\n', '1:cpu:/a (deleted)\n', '__proto__ 1\n', 'constructor\n', 'FROZEN\n', 'usage_usec\n', 'nr_periods 0\nnr_throttled 9\nthrottled_usec -5\n', 'nr_periods 5\nnr_throttled 5\nthrottled_usec 99999999999999\n'),
  hostileText,
);
/** By which files and words are picked, whatever there is to pick from. */
const damage = fc.record({
  kind: fc.constantFrom(...(['gone', 'unreadable', 'replaced', 'all replaced', 'all gone', 'cut', "another's", 'word', 'directory', 'link', 'hidden'] as const)),
  file: fc.nat(),
  other: fc.nat(),
  word: fc.nat(),
  text: fc.oneof(reading, fc.constantFrom('0', '1', '2', '3', '0-1', '1-3', '100000', '1000', '50000 100000\n', '4194304', '69206016', '9999999999', '0\n', '1\n', '0-1\n', 'threaded\n', 'domain threaded\n', 'cpuset cpu\n', 'cpuset cpu io memory pids\n', 'member\n', 'isolated invalid (x)\n', 'isolcpus=1-3\n', 'FROZEN\n', 'R', '0::/machine.slice (deleted)\n', '0::/\n', 'frozen 1\n', 'some avg10=80.00 avg60=70.00 avg300=60.00 total=9\n')),
  errno: fc.constantFrom(...ERRNOS),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function apply({ files, links, errors, directories }: Changeable, { kind, file, other, word, text, errno }: Damage): void {
  const all = [...files.keys()];
  const path = pick(all, file);
  const read = files.get(path)!;
  const alike = all.filter(one => kindOf(one) === kindOf(path));
  switch (kind) {
    case 'gone':
      return void files.delete(path);
    case 'unreadable':
      files.delete(path);
      return void errors.set(path, errno);
    case 'replaced':
      return void files.set(path, text);
    case 'all replaced':
      return alike.forEach(one => files.set(one, text));
    case 'all gone':
      return alike.forEach(one => files.delete(one));
    case 'cut':
      return void files.set(path, read.slice(0, other % (read.length + 1)));
    case "another's":
      return void files.set(path, files.get(pick(alike, other))!);
    case 'word': {
      const lines = read.split('\n');
      const words = lines[other % lines.length]!.split(/([ :=\t()/,]+)/);
      words[word % words.length] = text.replace(/\n$/, '');
      lines[other % lines.length] = words.join('');
      return void files.set(path, lines.join('\n'));
    }
    case 'directory':
      return void directories.delete(pick([...directories], other));
    case 'link':
      return void links.set(pick([...links.keys()], other), text);
    case 'hidden': {
      const of = /^\/proc\/\d+\//.exec(path)?.[0];
      if (of !== undefined) for (const one of all) if (one.startsWith(of)) files.delete(one);
    }
  }
}

function pick<T>(all: readonly T[], n: number): T {
  return all[n % all.length]!;
}

function kindOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/\d+/g, '0');
}

/** As everybody who shows it takes for granted. */
function checkAll(host: HostModel, rates?: Rates): void {
  for (const finding of findingsOf(host, rates)) {
    const { rule, machine, evidence, fixes } = finding;
    assert.ok(host.machines.includes(machine), rule);
    const words = { sentence: finding.sentence(path => path), cost: finding.cost(), advice: finding.advice(path => path), ...Object.fromEntries(fixes.map((fix, i) => [`fix ${i}`, fix.title(path => path)])) };
    for (const [what, text] of Object.entries(words)) {
      assert.ok(text.trim() !== '', `${rule}: no ${what}`);
      assert.equal(text, visible(text), `${rule}: ${what} has what nobody sees`);
      assert.doesNotMatch(text, /\bundefined\b|\bNaN\b|\bInfinity\b|\[object |(?<!\\u)\{\d\}/, `${rule}: ${what}: ${text}`);
      assert.doesNotMatch(text, /\.$/, `${rule}: ${what}: ${text}`);
    }
    assert.ok(evidence.length > 0, `${rule} has no evidence`);
    for (const { file, value } of evidence) {
      assert.match(file, /^\//, `${rule}: evidence without a file`);
      assert.doesNotMatch(file + value, /undefined/, `${rule}: ${file}: ${value}`);
    }
    for (const fix of fixes) {
      const changes = fix.changes();
      assert.ok(changes.length > 0, `${rule}: a fix of nothing`);
      const { plan, refusal } = makePlan(host, machine, changes, { expert: false });
      assert.ok(plan ? plan.steps.length > 0 : refusal.because.id !== '', `${rule}: neither a plan nor a refusal`);
    }
  }
  const one = { kind: 'capture' as const, model: host, seconds: 0, findings: findingsOf(host, rates), about: [] };
  JSON.stringify(findingsToJson([one], []));
  findingsText(host, one.findings, { width: 80, colours: false, about: [] });
  const [a, b] = [host.machines[0], host.machines.at(-1)];
  if (a && b) for (const { sentence } of compareMachines({ model: host, machine: a }, { model: host, machine: b }).differences) assert.equal(sentence(), visible(sentence()));
}

describe('a host of which anything may be damaged or unreadable', () => {
  it('is looked at by all rules: each finding is whole, and each fix a plan or a refusal', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ALL_HOSTS), fc.array(damage, { maxLength: 12 }), fc.array(damage, { maxLength: 4 }), async (name: HostName, damages, more) => {
        const copy = snapshot(name, raw => damages.forEach(one => apply(raw, one)));
        const { model: before } = await model(copy);
        checkAll(before);
        more.forEach(one => apply(copy, one));
        const { model: now } = await model({ ...copy, collection: { ...copy.collection, startedAt: copy.collection.startedAt + 1000 } });
        checkAll(now, new Rates(before, now));
      }),
      { numRuns: Number(process.env['RUNS'] ?? 60), seed: Number(process.env['SEED'] ?? 1) },
    );
  });
});
