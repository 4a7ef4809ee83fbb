import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Applied } from '../../../src/core/plan/applied';
import { type HistoryEvent, isOn, parseHistory, printEntry } from '../../../src/core/apply/history';
import { HistoryFile, historyHosts } from '../../../src/core/apply/historyFile';
import type { Plan } from '../../../src/core/plan/plan';

const plan = (title: string): Plan => ({
  title, hostId: 'local', hostLabel: 'web1', machine: undefined, readAt: 1, warnings: [], consent: { kind: 'apply' }, asRoot: false,
  steps: [{
    action: { kind: 'move', task: { tid: 5, pid: 4, startTime: 3, comm: 'a\nb\udcff' }, from: '/a', to: { hierarchy: 'cpu', path: '/b\udcfe', directory: '/sys/fs/cgroup/cpu/b\udcfe' }, file: 'tasks' },
    preconditions: [], outcomes: [], before: '/a', undo: { kind: 'exact', because: undefined, actions: [] },
  }],
});
const applied: Applied = { steps: [{ state: 'done', errno: undefined, found: '/b', said: undefined }], complete: true, remarks: [] };
const started = (id: string, at = 1, undoes?: string): HistoryEvent => ({ v: 1, at, id, event: 'started', plan: plan(id), ...(undoes === undefined ? {} : { undoes }) });
const ended = (id: string, of = applied): HistoryEvent => ({ v: 1, at: 2, id, event: 'ended', applied: of });
const refused: Applied = { ...applied, steps: [{ ...applied.steps[0]!, state: 'refused', errno: 'EBUSY' }] };
const textOf = (...events: HistoryEvent[]): string => events.map(printEntry).join('');
const short = (text: string): unknown[] => parseHistory(text).entries.map(({ id, applied: a, undoneBy }) => [id, a?.complete, undoneBy]);

describe('the history of a host', () => {
  const cases: [string, string, unknown[], number][] = [
    ['nothing', '', [], 0],
    ['begun and ended', textOf(started('a'), ended('a')), [['a', true, undefined]], 0],
    ['begun, and its end was never heard', textOf(started('a'), started('b'), ended('b')), [['a', undefined, undefined], ['b', true, undefined]], 0],
    ['found out later', textOf(started('a'), ended('a', { ...applied, complete: false }), ended('a')), [['a', true, undefined]], 0],
    ['undone', textOf(started('a'), ended('a'), started('b', 2, 'a'), ended('b')), [['a', true, 'b'], ['b', true, undefined]], 0],
    ['an undo that was refused is none', textOf(started('a'), ended('a'), started('b', 2, 'a'), ended('b', refused)), [['a', true, undefined], ['b', true, undefined]], 0],
    ['an undo of which nobody heard the end', textOf(started('a'), ended('a'), started('b', 2, 'a')), [['a', true, undefined], ['b', undefined, undefined]], 0],
    ['two windows at once', textOf(started('a'), started('b'), ended('b'), ended('a')), [['a', true, undefined], ['b', true, undefined]], 0],
    ['a torn line at the end', textOf(started('a'), ended('a')) + printEntry(started('b')).slice(0, 50), [['a', true, undefined]], 1],
    ['a torn line in between takes nothing along', printEntry(started('x')).slice(0, 80) + textOf(started('a'), ended('a')), [['a', true, undefined]], 1],
    ['lines of somebody else', `hello\n{}\n[]\nnull\n"x"\n${textOf(started('a'))}{"v":2,"id":"c","at":1,"event":"started"}\n`, [['a', undefined, undefined]], 6],
    ['an end without a beginning', textOf(ended('a')), [], 1],
    ['begun twice under one id: the first counts', textOf(started('a'), started('a')), [['a', undefined, undefined]], 1],
    ['a plan that is none', textOf({ v: 1, at: 1, id: 'a', event: 'started', plan: { title: 'x' } as unknown as Plan }), [], 1],
    ['a step that is none', textOf({ v: 1, at: 1, id: 'a', event: 'started', plan: { ...plan('a'), steps: [{ action: { kind: 'move' } }] } as unknown as Plan }), [], 1],
    ['a TID that is none', textOf(started('a')).replace('"tid":5', '"tid":"5; id"'), [], 1],
    ...['release_agent', 'cgroup.kill', 'devices.allow', '../x'].map((file): [string, string, unknown[], number] => {
      const way = { kind: 'write', cgroup: { hierarchy: 'cpu', path: '/b', directory: '/sys/fs/cgroup/cpu/b' }, file, value: '/tmp/x' } as const;
      const [step] = plan('a').steps;
      return [`a way back that no plan has: ${file}`, printEntry({ v: 1, at: 1, id: 'a', event: 'started', plan: { ...plan('a'), steps: [{ ...step!, undo: { kind: 'exact', because: undefined, actions: [way] } }] } }), [], 1];
    }),
    ...Object.entries<[string, string]>({
      'an id that a terminal obeys': ['"id":"a"', String.raw`"id":"a\u001b[8m"`],
      'a time that is none': ['"at":1,', '"at":1e300,'],
      'a plan of no time': ['"readAt":1,', '"readAt":1e300,'],
      'a reason without details': ['"undo":{"kind":"exact",', '"undo":{"kind":"exact","because":{"id":"x"},'],
      'a reason that every object has': ['"undo":{"kind":"exact",', '"undo":{"kind":"exact","because":{"id":"constructor","details":{}},'],
      'a consent without its reason': ['"consent":{"kind":"apply"}', '"consent":{"kind":"type","text":"a"}'],
      'a warning that is none': ['"warnings":[]', '"warnings":[{}]'],
      'an outcome that is none': ['"outcomes":[]', '"outcomes":[null]'],
      'an effect that is none': ['"outcomes":[]', '"outcomes":[{"effects":[{"kind":"allowed"}]}]'],
      'a name that is none': [String.raw`"comm":"a\nb\udcff"`, '"comm":5'],
    }).map(([name, [text, other]]): [string, string, unknown[], number] => {
      assert.ok(textOf(started('a')).includes(text), text);
      return [name, textOf(started('a')).replace(text, () => other), [], 1];
    }),
    ['results that are none', textOf(started('a'), ended('a', { ...applied, steps: [{ state: 'well' }] } as unknown as Applied)), [['a', undefined, undefined]], 1],
    ['blank lines and CRLF', textOf(started('a')).replaceAll('\n', '\r\n\r\n'), [['a', undefined, undefined]], 0],
  ];
  for (const [name, text, entries, foreign] of cases) {
    it(name, () => {
      assert.deepEqual(short(text), entries);
      assert.equal(parseHistory(text).foreign, foreign);
    });
  }

  it('gives back what was printed, broken bytes and all', () => {
    const { entries } = parseHistory(textOf(started('a', 7), ended('a')));
    const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    assert.deepEqual(json(entries), json([{ id: 'a', startedAt: 7, plan: plan('a'), applied, undoes: undefined, undoneBy: undefined }]));
    assert.equal(entries[0]!.plan.steps[0]!.action.kind === 'move' && entries[0]!.plan.steps[0]!.action.to.path, '/b\udcfe');
  });

  for (const [what, of, source, expected] of [
    ['this machine', {}, { id: 'local', label: 'web1' }, true],
    ['another machine that has the same home', {}, { id: 'local', label: 'web2' }, false],
    ['this machine, where a capture has its name', { hostLabel: 'web1 (2)' }, { id: 'local', label: 'web1' }, true],
    ['this machine, where a capture has its name by now', {}, { id: 'local', label: 'web1 (3)' }, true],
    ['another host', {}, { id: 'ssh:web1', label: 'web1' }, false],
    ['a host that is called otherwise now', { hostId: 'ssh:web1' }, { id: 'ssh:web1', label: 'web' }, true],
  ] as const) {
    it(`a plan of ${what} ${expected ? 'is' : 'is not'} on it`, () => {
      const [entry] = parseHistory(printEntry({ ...started('a'), plan: { ...plan('a'), ...of } } as HistoryEvent)).entries;
      assert.equal(isOn(entry!, source), expected);
    });
  }

  it('one event is one line, whatever is in it', () => {
    assert.equal(printEntry(started('a\nb\u2028')).trim().split('\n').length, 1);
  });
});

describe('the file of a history', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-history-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is not there at first; then for nobody else to read', async () => {
    const inside = join(folder, 'a', 'b');
    const file = new HistoryFile(inside, 'ssh:op@web1');
    assert.deepEqual([await file.read(), await historyHosts(inside)], [{ entries: [], foreign: 0 }, []]);
    await file.append(started('a'));
    assert.equal(statSync(file.path).mode & 0o777, 0o600);
    assert.deepEqual((await file.read()).entries.map(({ id }) => id), ['a']);
    assert.deepEqual(await historyHosts(inside), ['local']); // as its plan says
  });

  it('each host has one of its own, whatever it is called', async () => {
    const ids = ['ssh:a/b', 'ssh:a-b', '../../x', '..', '', 'ssh:' + 'n'.repeat(500), 'local'];
    for (const id of ids) await new HistoryFile(folder, id).append({ v: 1, at: 1, id: 'a', event: 'started', plan: { ...plan('a'), hostId: id } });
    assert.deepEqual((await historyHosts(folder)).sort(), [...ids].sort());
  });

  it('what was torn is left as it is, and what comes after is read', async () => {
    const file = new HistoryFile(folder, 'local');
    await file.append(started('a'));
    appendFileSync(file.path, '{"v":1,"at":5,"id":"tor');
    await file.append(ended('a'));
    const { entries, foreign } = await file.read();
    assert.deepEqual([entries[0]!.applied?.complete, foreign], [true, 1]);
    assert.ok(readFileSync(file.path, 'utf8').includes('"id":"tor\n'));
  });

  it('a file that cannot be written is an error, before anything is done', async () => {
    const file = new HistoryFile(folder, 'local');
    await file.append(started('a'));
    await assert.rejects(new HistoryFile(join(file.path, 'below a file'), 'local').append(started('a')), { code: 'ENOTDIR' });
  });

  it('a pipe in its place is an error, and not waited for', async () => {
    const file = new HistoryFile(join(folder, 'pipe'), 'local');
    await file.append(started('a'));
    rmSync(file.path);
    execFileSync('mkfifo', [file.path]);
    for (const use of [() => file.read(), () => file.append(started('b')), () => historyHosts(join(folder, 'pipe'))]) await assert.rejects(use, /is no regular file$/);
  });

  it('processes that append at once: no line is lost or torn', async () => {
    const program = `
      const { HistoryFile } = require(${JSON.stringify(join(__dirname, '../../../src/core/apply/historyFile.js'))});
      (async () => {
        const file = new HistoryFile(${JSON.stringify(folder)}, 'local');
        for (let i = 0; i < 50; i++) await file.append({ ...${JSON.stringify(started('x'))}, id: process.argv[1] + '-' + i });
      })();`;
    await Promise.all(['a', 'b', 'c'].map(name => new Promise<void>((resolve, reject) => spawn(process.execPath, ['-e', program, name], { stdio: 'inherit' }).once('exit', code => (code === 0 ? resolve() : reject(new Error(`${name}: ${code}`)))))));
    const { entries, foreign } = await new HistoryFile(folder, 'local').read();
    assert.deepEqual([entries.length, foreign], [150, 0]);
  });
});
