import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import type { Action } from '../../../src/core/cgroup/action';
import { decodeBytes, encodeBytes } from '../../../src/core/parse/bytes';
import type { Plan, Step } from '../../../src/core/plan/plan';
import { planScript, planSteps } from '../../../src/core/plan/script';
import { commandText, shellWord } from '../../../src/core/shellWord';

const task = { tid: 533, pid: 519, startTime: 4711, comm: 'CPU 2/KVM' };
const cgroup = (path: string): { hierarchy: string; path: string; directory: string } => ({ hierarchy: 'cpu,cpuacct', path, directory: `/sys/fs/cgroup/cpu,cpuacct${path}` });
const step = (action: Action, more: Partial<Step> = {}): Step => ({ action, preconditions: [], outcomes: [{ errno: undefined, because: undefined, effects: [] }], before: undefined, undo: { kind: 'exact', because: undefined, actions: [] }, ...more });
const move = (from: string, to: string, more: Partial<typeof task> = {}): Step =>
  step({ kind: 'move', task: { ...task, ...more }, from, to: cgroup(to), file: 'tasks' }, {
    preconditions: [{ kind: 'alive', task }, { kind: 'place', task, hierarchy: 'cpu,cpuacct', path: from }], before: from,
    undo: { kind: 'exact', because: undefined, actions: [{ kind: 'move', task, from: to, to: cgroup(from), file: 'tasks' }] },
  });
const planOf = (steps: readonly Step[], more: Partial<Plan> = {}): Plan => ({ title: 'serial: move vCPU 2', hostId: 'h', hostLabel: 'web1', machine: undefined, readAt: 0, steps, warnings: [], consent: { kind: 'apply' }, asRoot: false, ...more });

describe('a word for a shell', () => {
  const cases: [string, string][] = [
    ['', "''"], ['a', "'a'"], ["it's", "'it'\\''s'"], ["'", "''\\'''"], ['$(id)', "'$(id)'"], ['-n', "'-n'"], ['größe', "'größe'"],
    ['a\x1bb', `'a'"$(printf '\\033')"'b'`], ['\u202Eevil', `"$(printf '\\342\\200\\256')"'evil'`], ['a\udcff', `'a'"$(printf '\\377')"`], ['\t', `"$(printf '\\011')"`], ['a\nb', "'a\nb'"],
  ];
  for (const [text, word] of cases) it(JSON.stringify(text), () => assert.equal(shellWord(text), word));

  it('is any bytes but NUL to each shell, as they were', () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 40 }).map(array => array.filter(byte => byte !== 0));
    for (const shell of [['dash'], ['bash', '--posix'], ['busybox', 'sh']]) {
      fc.assert(fc.property(fc.array(bytes, { minLength: 1, maxLength: 30 }), names => {
        const words = names.map(name => shellWord(decodeBytes(name)));
        const script = `LC_ALL=C; export LC_ALL; for w in ${words.join(' ')}; do printf '%s/' "$w"; done\n`;
        const out = execFileSync(shell[0]!, [...shell.slice(1)], { input: encodeBytes(script) });
        assert.deepEqual(out, Buffer.concat(names.flatMap(name => [Buffer.from(name), Buffer.from('/')])));
      }), { numRuns: 10 });
    }
  });
});

describe('a command for a person', () => {
  const cases: [string[], string][] = [
    [['virsh', 'list'], 'virsh list'], [['a b', ''], "'a b' ''"],
    [['run', 'a\nb\n', 'c'], `newline=$(printf '\\n.'); run 'a'"\${newline%.}"'b'"\${newline%.}" c`],
  ];
  for (const [argv, text] of cases) it(JSON.stringify(argv), () => assert.equal(commandText(argv), text));

  it('is one line, and the same words to each shell', () => {
    const names = ['two\nlines', 'end\n', 'ends\n\n', '\nbegins', '\n', '\n\n', '%s\n', '\\n\n', "it's\n$(id)", '-n\n', '\u202e\t\n\udcff\n', '\r\n', '', 'ö'];
    for (const shell of [['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']]) {
      for (const argv of [...names.map(name => [name]), names, ['none', 'of them']]) {
        const text = commandText(['printf', '%s/', ...argv]);
        assert.doesNotMatch(text, /[\x00-\x1f\u202e\udc80-\udcff]/);
        const out = execFileSync(shell[0]!, [...shell.slice(1), '-c', text]);
        assert.deepEqual(out, encodeBytes(argv.map(word => `${word}/`).join('')), `${shell.join(' ')}: ${text}`);
      }
    }
  });
});

describe('the script of a plan', () => {
  const hostile = 'x\n; touch /tmp/x #\r\u2028$(id)`id`\'"\\\udcff\u202E';

  it('says what each step does, what it was, and the way back', () => {
    const text = planScript(planOf([move("/a b/it's", '/new')]));
    assert.ok(text.includes("  # 1. thread 533 (CPU 2/KVM) to cpu,cpuacct /new\n  #    before: /a b/it's\n  #    predicted: accepted\n  #    way back: echo 533 >'/sys/fs/cgroup/cpu,cpuacct/a b/it'\\''s/tasks'\n"), text.slice(-1500));
    assert.ok(text.includes("  check() { alive 0 519 533 4711 && placed 1 519 533 'cpu,cpuacct' '/a b/it'\\''s'; }\n  move 519 533 'cpu,cpuacct' '/sys/fs/cgroup/cpu,cpuacct/new/tasks' || return\n"));
  });

  it('no name leaves its comment or its word: each line of it is ours', () => {
    const path = hostile.replaceAll('\n', ''); // of a cgroup; a thread's name can hold one
    const actions: Action[] = [
      { kind: 'move', task: { ...task, comm: hostile }, from: path, to: cgroup(`/${path}`), file: 'tasks' },
      { kind: 'affinity', task: { ...task, comm: hostile }, cpus: '0' },
      { kind: 'make', cgroup: cgroup(`/${path}`) },
      { kind: 'remove', cgroup: cgroup(`/${path}`) },
      { kind: 'write', cgroup: cgroup(`/${path}`), file: 'cpu.shares', value: path },
      { kind: 'tool', argv: ['virsh', path] },
    ];
    const steps = actions.map(action => step(action, { before: hostile, preconditions: [{ kind: 'idle', machine: path }], undo: { kind: 'best effort', because: { id: 'x', details: { name: hostile } }, actions } }));
    const text = planScript(planOf(steps, { title: hostile, hostLabel: hostile, warnings: [{ because: { id: hostile, details: {} } }] }));
    const harmless = planScript(planOf(steps.map((s, i) => ({ ...s, action: plain(actions[i]!) })), { title: 'x', hostLabel: 'x', warnings: [{ because: { id: 'x', details: {} } }] }));
    assert.equal(text.split('\n').length, harmless.split('\n').length);
    assert.doesNotMatch(text, /[^\p{L}\p{M}\p{N}\p{P}\p{S} \n]/u);
    for (const line of text.slice(text.indexOf('\nsteps() {')).split('\n')) assert.match(line, /^$|^ {2}(# |title='|n=\d|check\(\) \{ |move |pin |make |remove |set_value |use |job_of |needs |find_affinity |read_back$|echo |exit 1$)|^(steps\(\) \{|\}|on_cgroups '|if steps|else|fi)/);
  });

  const plain = (action: Action): Action => JSON.parse(JSON.stringify(action, (key, value: unknown) => (['comm', 'path', 'directory', 'from'].includes(key) ? '/x' : value))) as Action;

  it('a file that is no interface file, or a number that is none, is never written into it', () => {
    assert.throws(() => planSteps(planOf([step({ kind: 'write', cgroup: cgroup('/a'), file: '../x', value: '1' })])), RangeError);
    assert.throws(() => planSteps(planOf([move('/a', '/b', { tid: '5; id' as unknown as number })])), RangeError);
  });

  it('names a directory that holds no cgroups as it is, in each shell', () => {
    const directory = String.raw`/nowhere/a\033[31mb\c%s`;
    const to = { hierarchy: 'cpu', path: '/x', directory };
    const script = planScript(planOf([step({ kind: 'move', task, from: '/', to, file: 'tasks' })]));
    for (const shell of [['dash'], ['bash', '--posix'], ['busybox', 'sh']]) {
      const { status, stderr } = spawnSync(shell[0]!, shell.slice(1), { input: script, encoding: 'utf8' });
      assert.deepEqual([status, stderr], [1, `This host has no cgroups at ${directory}; nothing was done.\n`]);
    }
  });

  it('asks for root only where the plan does', () => {
    assert.match(planScript(planOf([move('/a', '/b')], { asRoot: true })), /This needs root/);
    assert.doesNotMatch(planScript(planOf([move('/a', '/b')])), /This needs root/);
  });

  it('each tool is looked for once, before anything else', () => {
    const pin = step({ kind: 'affinity', task, cpus: '0' });
    const text = planSteps(planOf([move('/a', '/b'), pin, pin, step({ kind: 'tool', argv: ['virsh', 'a'] }), step({ kind: 'tool', argv: ['virsh', 'b'] })]));
    assert.ok(text.startsWith("steps() {\n  find_affinity 2 || return\n  needs 4 'virsh' || return\n  n=1\n"), text);
    assert.equal(text.match(/find_affinity|needs/g)?.length, 2);
  });

  it('reads a place back before its task is moved on, and not else', () => {
    const count = (...steps: Step[]): number => planSteps(planOf(steps)).match(/read_back/g)?.length ?? 0;
    assert.equal(count(move('/a', '/b'), move('/c', '/d', { tid: 534 })), 0);
    assert.equal(count(move('/a', '/b'), move('/b', '/c')), 1);
    const process = step({ kind: 'move', task: { ...task, tid: 519 }, from: '/a', to: cgroup('/b'), file: 'cgroup.procs' });
    assert.equal(count(move('/a', '/b'), process, move('/b', '/c')), 2);
  });
});
