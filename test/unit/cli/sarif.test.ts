import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import type { CheckedSource } from '../../../src/cli/findingsJson';
import { printSarif, toSarif } from '../../../src/cli/sarif';
import type { Shipped } from '../../../src/cli/shipped';
import { encodeBytes } from '../../../src/core/parse/bytes';
import { findingsOf } from '../../../src/core/rules/allRules';
import { vcpuInEmulator } from '../../../src/core/rules/vcpuInEmulator';
import { ALL_HOSTS, type Changeable, type HostName, QEMU, SCOPE, captureText, modelOf } from '../fixtures';
import { put } from '../rules/checkRule';
import { cli } from './support';

interface Sarif {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly semanticVersion?: string; readonly rules: readonly { readonly id: string; readonly help?: { readonly markdown: string } }[] } };
    readonly automationDetails: { readonly id: string };
    readonly invocations: readonly { readonly executionSuccessful: boolean; readonly endTimeUtc: string; readonly toolExecutionNotifications?: readonly { readonly message: { readonly text: string } }[] }[];
    readonly results: readonly Result[];
  }[];
}
interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations: readonly { readonly physicalLocation?: { readonly artifactLocation: { readonly uri: string } } }[];
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly properties: { readonly severity: string; readonly evidence: readonly { readonly file: string }[] };
}

const nothing = (): Promise<undefined> => Promise.resolve(undefined);
const noPage: Shipped = { page: nothing, version: nothing };

async function checked(host: HostName, change?: (copy: Changeable) => void): Promise<CheckedSource> {
  const { model } = await modelOf(host, change);
  return { kind: 'capture', model, seconds: 0, findings: findingsOf(model), about: [] };
}

async function sarifOf(...hosts: CheckedSource[]): Promise<Sarif> {
  return valid(printSarif(await toSarif(hosts, [], noPage)));
}

/** The published schema is of draft 4, which differs in the name of `id` alone as far as this one uses it. */
const { id: _id, $schema: _schema, ...schema } = JSON.parse(readFileSync(require.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'), 'utf8')) as Record<string, unknown>;
const isReference = (text: string): boolean => /^(?:[\w.~!$&'()*+,;=:@/?#[\]-]|%[0-9A-F]{2})*$/.test(text) && URL.canParse(text, 'file:///');
const formats = { uri: (text: string) => isReference(text) && URL.canParse(text), 'uri-reference': isReference, 'date-time': (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) };
const validate = new Ajv({ strict: false, unicodeRegExp: false, allErrors: true, formats }).compile(schema);

function valid(text: string): Sarif {
  const sarif = JSON.parse(text) as Sarif;
  assert.ok(validate(sarif), JSON.stringify(validate.errors, null, 2));
  return sarif;
}

describe('findings as SARIF 2.1.0', () => {
  it('the schema refuses what is none', () => {
    assert.equal(validate({ version: '2.1.0', runs: [{ tool: { driver: { name: 'x' } }, results: [{ message: { text: 'x' }, level: 'hint' }] }] }), false);
    assert.equal(validate({ version: '2.1.0', runs: [{ tool: { driver: { name: 'x' } }, results: [{ message: { text: 'x' }, locations: [{ physicalLocation: { artifactLocation: { uri: 'a b' } } }] }] }] }), false);
  });

  for (const name of ALL_HOSTS) it(`of ${name} it is what the schema says`, async () => void (await sarifOf(await checked(name))));

  it('a result: its rule, level, sentence, files, threads, evidence', async () => {
    const { runs } = await sarifOf(await checked('misplaced-vcpus'));
    const { tool, results } = runs[0]!;
    const result = results.find(({ ruleId }) => ruleId === 'vcpu-in-emulator')!;
    assert.equal(tool.driver.rules[result.ruleIndex]!.id, 'vcpu-in-emulator');
    assert.deepEqual([result.level, result.properties.severity], ['warning', 'warning']);
    assert.match(result.message.text, /^serial: vCPU 2 is in \S+\/libvirt\/emulator \(cpu,cpuacct\), expected \S+\/vcpu2 \(quota .*\)\.$/);
    assert.deepEqual(result.locations.map(({ physicalLocation }) => decodeURIComponent(`/${physicalLocation!.artifactLocation.uri}`)), result.properties.evidence.map(({ file }) => file));
  });

  it('each severity has a level: a hint is a note', async () => {
    const host = await checked('misplaced-vcpus');
    const one = host.findings.find(({ rule }) => rule === vcpuInEmulator.id)!;
    const findings = (['error', 'warning', 'information', 'hint'] as const).map(severity => ({ ...one, severity }));
    const { runs } = await sarifOf({ ...host, findings });
    assert.deepEqual(runs[0]!.results.map(({ level, properties }) => [properties.severity, level]), [['error', 'error'], ['warning', 'warning'], ['information', 'note'], ['hint', 'note']]);
    const prints = runs[0]!.results.map(({ partialFingerprints }) => partialFingerprints['cgroupLensFinding/v1']!);
    assert.equal(new Set(prints).size, 4);
    assert.equal(new Set(prints.map(print => print.replace(/:\d+$/, ''))).size, 1);
  });

  it('bytes that are no text, spaces, percents and what a terminal would obey', async () => {
    const path = `${SCOPE}/libvirt/a b%20\u202e\x1b\udcff`;
    const host = await checked('guest-v2', copy => {
      put(copy, QEMU, 530, '', path);
      copy.directories.add(`/sys/fs/cgroup${path}`);
      copy.files.set(`/sys/fs/cgroup${path}/cpu.max`, '1000 100000\n');
    });
    const text = printSarif(await toSarif([host], [], noPage));
    assert.doesNotMatch(text, /[\x1b\u202e]/);
    const uri = valid(text).runs[0]!.results.flatMap(({ locations }) => locations).map(({ physicalLocation }) => physicalLocation?.artifactLocation.uri ?? '').find(one => one.endsWith('/cpu.max') && one.includes('%1B'))!;
    assert.deepEqual(Buffer.from(unescape(`/${uri}`), 'latin1'), encodeBytes(`/sys/fs/cgroup${path}/cpu.max`));
  });

  it('no name becomes a link or a place for an argument', async () => {
    const path = '/[x](https://example.org/){0}';
    const { runs } = await sarifOf(await checked('guest-v2', copy => put(copy, QEMU, 530, '', path)));
    const texts = runs[0]!.results.map(({ message }) => message.text).filter(text => text.includes('example.org'));
    assert.ok(texts.length > 0);
    for (const text of texts) {
      assert.doesNotMatch(text, /\]\(|\{\d+\}/);
      assert.ok(text.replaceAll('\u2060', '').includes(path), text);
    }
  });

  it('a fingerprint stays when the machine is started anew, and is another for another thread', async () => {
    const moved = (tid: number) => (copy: Changeable) => put(copy, QEMU, tid, '', `${SCOPE}/libvirt/emulator`);
    const printOf = async (host: CheckedSource): Promise<string> => (await sarifOf(host)).runs[0]!.results.find(({ ruleId }) => ruleId === vcpuInEmulator.id)!.partialFingerprints['cgroupLensFinding/v1']!;
    const first = await printOf(await checked('guest-v2', moved(530)));
    const again = await printOf(await checked('guest-v2', copy => {
      moved(530)(copy);
      startedAnew(copy);
    }));
    assert.equal(again, first);
    assert.notEqual(await printOf(await checked('guest-v2', moved(531))), first);
  });

  it('a host that could not be read is a run that failed, and says why', async () => {
    const { runs } = valid(printSarif(await toSarif([await checked('guest-v2')], [{ host: 'op@web2:22', why: 'nobody is there' }], noPage)));
    assert.deepEqual(runs.map(run => [run.automationDetails.id, run.invocations[0]!.executionSuccessful]), [['cgroup-lens/test/', true], ['cgroup-lens/op%40web2%3A22/', false]]);
    assert.equal(runs[1]!.invocations[0]!.toolExecutionNotifications![0]!.message.text, 'nobody is there');
  });

  it('a capture may have whatever times: the end of each is one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-sarif-'));
    try {
      for (const [started, took, end] of [
        ['2026-11-22T19:31:33.000Z', String(Number.MAX_SAFE_INTEGER), '2026-11-22T19:31:33.000Z'],
        ['9998-12-31T23:59:59.999Z', '31536000000', '9999-12-31T23:59:59.999Z'],
        ['+275760-09-13T00:00:00.000Z', '1', '1970-01-01T00:00:00.001Z'],
      ] as const) {
        const file = join(folder, 'times.capture');
        writeFileSync(file, captureText('misplaced-vcpus').replace(/^started .*$/m, `started ${started}`).replace(/^took .*$/m, `took ${took}`));
        const { code, stdout, stderr } = await cli('check', '--capture', file, '--sarif');
        assert.equal(code, 10, stderr);
        assert.equal(valid(stdout).runs[0]!.invocations[0]!.endTimeUtc, end);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('what is shipped beside it is told: the version, and the page of a rule as its help', async () => {
    const shipped: Shipped = { page: id => Promise.resolve(id === 'vcpu-in-emulator' ? '# The page' : undefined), version: () => Promise.resolve('1.2.3') };
    const sarif = valid(printSarif(await toSarif([await checked('guest-v2')], [], shipped)));
    const { rules, semanticVersion } = sarif.runs[0]!.tool.driver;
    assert.equal(semanticVersion, '1.2.3');
    assert.deepEqual(rules.flatMap(({ id, help }) => (help ? [[id, help.markdown]] : [])), [['vcpu-in-emulator', '# The page']]);
  });
});

/** Other PIDs and TIDs, another number in the scope's name. */
function startedAnew(copy: Changeable): void {
  const anew = (text: string): string => text.replaceAll(/\b5(19|2\d|3\d)\b/g, '75$1').replaceAll(String.raw`qemu\x2d1\x2d`, String.raw`qemu\x2d2\x2d`);
  for (const map of [copy.files, copy.links] as Map<string, string>[]) {
    const entries = [...map].map(([path, text]) => [anew(path), anew(text)] as const);
    map.clear();
    for (const [path, text] of entries) map.set(path, text);
  }
  const directories = [...copy.directories].map(anew);
  copy.directories.clear();
  for (const directory of directories) copy.directories.add(directory);
}
