import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argumentsOfChanges } from '../../../src/cli/changeArguments';
import { findingsText, spelled } from '../../../src/cli/findingsText';
import { findingsOf } from '../../../src/core/rules/allRules';
import { parseCpuList } from '../../../src/core/parse/cpuList';
import type { Change } from '../../../src/core/plan/plan';
import { restoreLayout } from '../../../src/core/rules/restoreLayout';
import { QEMU, SCOPE, captureText, machine, modelOf, thread } from '../fixtures';
import { put } from '../rules/checkRule';
import { NO_RULE, ONLY_VCPU_IN_EMULATOR, captureFile, cli, cliUnread } from './support';

const MISPLACED = ['check', '--capture', captureFile('misplaced-vcpus'), ...ONLY_VCPU_IN_EMULATOR];

describe('arguments that cannot be understood', () => {
  it('one line, which is not lost above a screen of help', async () => {
    const { code, stdout, stderr } = await cli('compare', '.');
    assert.deepEqual([code, stdout, stderr], [2, '', 'compare needs two: a capture and a capture, or . for a host; see: cgroup-lens --help\n']);
  });
});

describe('cgroup-lens check', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-check-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('text: machine, finding, cost, evidence, what to do, the command that shows the plan', async () => {
    const { code, stdout, stderr } = await cli(...MISPLACED, '--machine', 'serial');
    assert.deepEqual([code, stderr], [10, '']);
    const capture = captureFile('misplaced-vcpus');
    assert.ok(stdout.startsWith([
      'serial   PID 450   libvirt with systemd, complete   misplaced-vcpus',
      String.raw`S = /machine.slice/machine-qemu\x2d1\x2dserial.scope/libvirt`,
      '',
      '  warning   vcpu-in-emulator   vCPU 2 (460)',
      '    vCPU 2 is in S/emulator (cpu,cpuacct), expected S/vcpu2 (quota 80000/100000 instead of',
      '    50000/100000)',
      '    costs  it has the CPUs and the quota of who else is there, and what libvirt sets for this vCPU',
      '           has no effect on it',
      '    read   /proc/450/task/460/cgroup   cpu,cpuacct:$S/emulator',
      '    read   /sys/fs/cgroup/cpu,cpuacct$S/emulator/cpu.cfs_quota_us   80000',
      '    read   /sys/fs/cgroup/cpu,cpuacct$S/emulator/cpu.cfs_period_us   100000',
      '    read   /sys/fs/cgroup/cpu,cpuacct$S/vcpu2/cpu.cfs_quota_us   50000',
      '    read   /sys/fs/cgroup/cpu,cpuacct$S/vcpu2/cpu.cfs_period_us   100000',
      '    do     write 460 to tasks of S/vcpu2',
      '    fix    Move vCPU 2 to S/vcpu2 (cpu,cpuacct)',
      `             cgroup-lens plan serial --capture ${capture} --hierarchy cpu,cpuacct --move 460=S/vcpu2`,
      '',
    ].join('\n')), stdout);
    assert.equal(stdout.match(/^ {2}warning {3}/gm)?.length, 3);
    assert.ok(stdout.endsWith(`\n\n  2 threads are elsewhere; all that brings serial to its layout:\n    cgroup-lens plan serial --capture ${capture} --restore-layout\n`), stdout);
    assert.doesNotMatch(stdout, /^ {4}fix .*\n(?! {13}cgroup-lens plan )/m);
  });

  it('the command of a fix is one that plans it', async () => {
    const { stdout } = await cli(...MISPLACED, '--json');
    const { findings } = (JSON.parse(stdout) as { hosts: { findings: { fixes: { plan?: string[] }[] }[] }[] }).hosts[0]!;
    const plans = findings.flatMap(({ fixes }) => fixes.flatMap(fix => (fix.plan ? [fix.plan] : []))); // not of each: the command line has no words for all of them
    assert.ok(plans.length >= 5);
    for (const [program, ...args] of [plans[0]!, plans[2]!]) {
      assert.equal(program, 'cgroup-lens');
      const { code, stdout: plan } = await cli(...args);
      assert.deepEqual([code, /^1 {2}move vCPU [23] /m.test(plan)], [0, true], plan);
    }
  });

  it('JSON: of each host its findings, with evidence and fixes', async () => {
    const { code, stdout } = await cli(...MISPLACED, '--json');
    assert.equal(code, 10);
    const { version, hosts, unread } = JSON.parse(stdout) as { version: number; hosts: Record<string, unknown>[]; unread: unknown[] };
    const { findings, ...host } = hosts[0]!;
    assert.deepEqual([version, unread, host], [1, [], { host: 'misplaced-vcpus', kind: 'capture', readAt: '2026-11-22T19:31:33.000Z', seconds: 0, complete: true, machines: 1 }]);
    const { sentence, cost, evidence, advice, fixes, title, ...rest } = (findings as Record<string, unknown>[])[0]!;
    for (const text of [sentence, cost, advice, title]) assert.equal(typeof text, 'string');
    assert.deepEqual([(evidence as unknown[]).length, (fixes as { title: string }[])[0]!.title.replace(/\S+\/libvirt/, 'S')], [5, 'Move vCPU 2 to S/vcpu2 (cpu,cpuacct)']);
    assert.deepEqual(rest, {
      rule: 'vcpu-in-emulator',
      severity: 'warning',
      machine: { name: 'serial', uuid: '11111111-2222-4333-8444-555555555555', pid: 450, startTime: 60301 },
      threads: [{ tid: 460, pid: 450, comm: 'CPU 2/TCG', role: 'vCPU 2' }],
      at: { kind: 'place', thread: 460, hierarchy: 'cpu,cpuacct', path: `${SCOPE}/libvirt/emulator`, expected: `${SCOPE}/libvirt/vcpu2` },
    });
  });

  it('exit codes: nothing, a warning, an error, in part, not at all', async () => {
    const damaged = join(folder, 'damaged.capture');
    const text = captureText('misplaced-vcpus');
    writeFileSync(damaged, text.slice(0, text.length * 0.999));
    const clean = captureFile('guest-numa-clean');
    for (const [name, args, code, said] of [
      ['nothing', ['--capture', clean, ...ONLY_VCPU_IN_EMULATOR], 0, /^$/],
      ['a warning', MISPLACED.slice(1), 10, /^$/],
      ['an error', [...MISPLACED.slice(1), '--rule', 'vcpu-in-emulator=error'], 11, /^$/],
      ['a hint is no fault', [...MISPLACED.slice(1), '--rule', 'vcpu-in-emulator=hint'], 0, /^$/],
      ['a warning that is not wanted', [...MISPLACED.slice(1), '--severity', 'error'], 0, /^$/],
      ['nothing in what could be read', ['--capture', damaged, ...NO_RULE], 3, /incomplete|damaged|not all|line \d+/],
      ['a warning in what could be read', ['--capture', damaged, ...ONLY_VCPU_IN_EMULATOR], 10, /line \d+/],
      ['no such file', ['--capture', join(folder, 'none')], 1, /cannot be read/],
      ['no such machine', [...MISPLACED.slice(1), '--machine', 'nobody'], 2, /no machine "nobody" here; there is: serial/],
    ] as const) {
      const ran = await cli('check', ...args);
      assert.equal(ran.code, code, `${name}: ${ran.stderr}`);
      assert.match(ran.stderr, said, name);
    }
  });

  for (const [name, unread, args, code] of [
    ['text', ['stdout'], [], 10],
    ['an error', ['stdout'], ['--rule', 'vcpu-in-emulator=error'], 11],
    ['JSON', ['stdout'], ['--json'], 10],
    ['SARIF', ['stdout'], ['--sarif'], 10],
    ['nor what is said beside it', ['stdout', 'stderr'], [], 10],
    ['but what is said beside it is not read', ['stderr'], [], 10],
  ] as const) {
    it(`the exit code is the same where nobody reads it: ${name}`, async () => {
      const damaged = join(folder, 'unread.capture');
      const text = captureText('misplaced-vcpus');
      writeFileSync(damaged, text.slice(0, text.length * 0.999)); // something is said of it
      const ran = await cliUnread(unread, 'check', '--capture', damaged, ...ONLY_VCPU_IN_EMULATOR, ...args);
      assert.equal(ran.code, code, ran.stderr);
      if (!(unread as readonly string[]).includes('stderr')) assert.match(ran.stderr, /^unread: .*\n(unread: .*\n)*$/);
    });
  }

  for (const [name, args, said] of [
    ['a rule that is not there', ['--rule', 'vcpu=off'], /there is no rule "vcpu"; see: cgroup-lens explain/],
    ['a severity that is none', ['--rule', 'vcpu-in-emulator=bad'], /--rule takes ID=error\|warning\|information\|hint\|off/],
    ['a rule without one', ['--rule', 'vcpu-in-emulator'], /--rule takes/],
    ['a least severity that is none', ['--severity', 'off'], /--severity takes error, warning, information, hint, and not "off"/],
    ['no number of seconds', ['--seconds', 'x'], /--seconds takes a number from 0 to 3600, and not "x"/],
    ['no seconds', ['--seconds='], /--seconds takes/],
    ['two forms', ['--json', '--sarif'], /name one/],
    ['an argument', ['serial'], /unexpected argument: serial/],
  ] as const) {
    it(`refused: ${name}`, async () => {
      const { code, stderr } = await cli('check', ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, said);
    });
  }

  it('--output writes a file, and keeps one that is there', async () => {
    const file = join(folder, 'findings.txt');
    const first = await cli(...MISPLACED, '--output', file);
    assert.deepEqual([first.code, first.stdout], [10, '']);
    assert.match(readFileSync(file, 'utf8'), /^serial {3}PID 450/);
    const second = await cli(...MISPLACED, '--output', file);
    assert.deepEqual([second.code, /exists already/.test(second.stderr)], [1, true]);
    assert.equal((await cli(...MISPLACED, '--output', file, '--force')).code, 10);
  });

  it('names that a terminal would obey are spelled out, and nothing is coloured but for a person', async () => {
    const hostile = `${SCOPE}/libvirt/\x1b[2J\u202e`;
    const { model } = await modelOf('guest-v2', copy => put(copy, QEMU, 530, '', hostile));
    const findings = findingsOf(model);
    const text = findingsText(model, findings, { width: 80, colours: false, about: [] });
    assert.ok(text.includes('S/\\u{1b}[2J\\u{202e}'), text);
    assert.deepEqual(text.match(/[\x00-\x09\x0b-\x1f\u202e]/g), null);
    const coloured = findingsText(model, findings.slice(0, 1), { width: 80, colours: true, about: [] });
    assert.deepEqual(coloured.match(/\x1b\[\d*m/g)?.length, 4);
  });

  it('the worst of a machine stands first', async () => {
    const { model } = await modelOf('misplaced-vcpus');
    const one = findingsOf(model)[0]!;
    const text = findingsText(model, (['hint', 'error', 'information', 'warning'] as const).map(severity => ({ ...one, severity })), { width: 80, colours: false, about: [] });
    assert.deepEqual(text.match(/^ {2}\w+(?= {3})/gm)?.map(word => word.trim()), ['error', 'warning', 'information', 'hint']);
  });

  it('lines are as wide as they may be, but for paths', async () => {
    const { model } = await modelOf('misplaced-vcpus');
    for (const width of [80, 120]) {
      const lines = findingsText(model, findingsOf(model), { width, colours: false, about: [] }).split('\n');
      assert.deepEqual(lines.filter(line => line.length > width && !/^( {4}read| {11,})/.test(line)), []);
    }
  });
});

describe('the arguments that mean some changes', () => {
  const S = `${SCOPE}/libvirt`;
  const shown = (path: string): string => spelled(path, S);
  const cases: Readonly<Record<string, readonly [changes: (t: (tid: number) => ReturnType<typeof thread>) => Change[], args: string[] | undefined]>> = {
    'a move': [t => [{ kind: 'move', thread: t(530), hierarchy: '0::', to: `${S}/vcpu1` }], ['--hierarchy', '0::', '--move', '530=S/vcpu1']],
    'a move to where S does not reach': [t => [{ kind: 'move', thread: t(530), hierarchy: '0::', to: '/machine.slice' }], ['--hierarchy', '0::', '--move', '530=/machine.slice']],
    'a pin': [t => [{ kind: 'pin', thread: t(530), cpus: parseCpuList('1')! }], ['--pin', '530=1']],
    'as if never pinned': [t => [{ kind: 'pin', thread: t(530), cpus: 'all' }], ['--pin', '530=all']],
    'a policy': [t => [{ kind: 'schedule', thread: t(530), policy: 'fifo', priority: 10, nice: 0 }], ['--schedule', '530=fifo:10']],
    'a nice value': [t => [{ kind: 'schedule', thread: t(530), policy: 'batch', priority: 0, nice: 5 }], ['--schedule', '530=batch:nice:5']],
    'a value': [() => [{ kind: 'set', hierarchy: '0::', path: `${S}/emulator`, file: 'cpu.max', value: 'max 100000' }], ['--hierarchy', '0::', '--set', 'S/emulator/cpu.max=max 100000']],
    'a group that is made, and a thread in it': [t => [{ kind: 'make', hierarchy: '0::', path: `${S}/new` }, { kind: 'move', thread: t(530), hierarchy: '0::', to: `${S}/new` }], ['--hierarchy', '0::', '--make', 'S/new', '--move', '530=S/new']],
    'a quota': [() => [{ kind: 'quota', hierarchy: '0::', path: `${S}/emulator`, to: { quota: 'max', period: 100000 } }], ['--hierarchy', '0::', '--set', 'S/emulator/cpu.max=max 100000']],
    'a whole process: no words for it': [t => [{ kind: 'moveProcess', thread: t(QEMU), hierarchy: '0::', to: `${S}/emulator` }], undefined],
  };
  for (const [name, [changes, args]] of Object.entries(cases)) {
    it(name, async () => {
      const { model } = await modelOf('guest-v2');
      const serial = machine(model, 'serial');
      assert.deepEqual(argumentsOfChanges(model, serial, changes(tid => thread(serial, tid)), shown), args);
    });
  }

  it('a quota of v1: in the files that it has there', async () => {
    const { model } = await modelOf('guest-hybrid');
    const quota = (period: number): Change[] => [{ kind: 'quota', hierarchy: 'cpu,cpuacct', path: `${S}/vcpu1`, to: { quota: 'max', period } }];
    const of = (changes: Change[]): string[] | undefined => argumentsOfChanges(model, machine(model, 'serial'), changes, shown);
    assert.deepEqual(of(quota(100000)), ['--hierarchy', 'cpu,cpuacct', '--set', 'S/vcpu1/cpu.cfs_quota_us=-1']);
    assert.deepEqual(of(quota(50000)), ['--hierarchy', 'cpu,cpuacct', '--set', 'S/vcpu1/cpu.cfs_period_us=50000', '--set', 'S/vcpu1/cpu.cfs_quota_us=-1']);
  });

  it('two moves that one --hierarchy would mix up: no words for them', async () => {
    const { model } = await modelOf('misplaced-vcpus');
    const serial = machine(model, 'serial');
    const changes: Change[] = [{ kind: 'move', thread: thread(serial, 461), hierarchy: 'cpuset', to: `${S}/vcpu3` }, { kind: 'move', thread: thread(serial, 460), hierarchy: 'cpu,cpuacct', to: `${S}/vcpu2` }];
    assert.equal(argumentsOfChanges(model, serial, changes, shown), undefined);
  });

  it('all that brings a machine to its layout: in two words, however much it is', async () => {
    const { model } = await modelOf('misplaced-vcpus');
    const serial = machine(model, 'serial');
    assert.deepEqual(argumentsOfChanges(model, serial, restoreLayout(model, serial), shown), ['--restore-layout']);
  });
});
