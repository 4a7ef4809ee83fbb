import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp, newFolder } from './support/cleanUp';
import { type Qemu, startQemu } from './support/qemu';
import { placesOf, run, tidsOf } from './support/readers';

const CLI = join(__dirname, '../../src/cli/main.js');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as a person in a script has it: no terminal, a history of its own. */
describe('the command line, on real QEMU threads', () => {
  const NAME = 'by command';
  let qemu: Qemu;
  let vcpus: Readonly<Record<string, number>>;
  let state: string;

  /** As libvirt names it without systemd. */
  const SCOPE = `qemu-9-${NAME}.libvirt-qemu`;
  const group = (name: string): OwnCgroup => makeCgroup('cpu', SCOPE, name);
  const place = (vcpu: string): string => placesOf(qemu.pid, vcpus[vcpu]!)['cpu']!;
  const cpusOf = (vcpu: string): string => run('taskset', '-p', '-c', String(vcpus[vcpu])).replace(/^.*: /s, '').trim();

  function cli(...args: string[]): Promise<Ran> {
    return new Promise(resolve => {
      const child = execFile(process.execPath, [CLI, ...args], { env: { ...process.env, XDG_STATE_HOME: state } }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
      child.stdin!.end();
    });
  }

  before(async () => {
    state = newFolder('state');
    qemu = await startQemu({ name: NAME, vcpus: 2, ioThreads: [] });
    vcpus = await qemu.qmp.vcpus();
    for (const controller of ['cpu', 'freezer']) makeCgroup(controller, SCOPE).addProcess(qemu.pid);
    for (const name of ['vcpu0', 'vcpu1']) group(name);
    for (const tid of tidsOf(qemu.pid)) group('emulator').addThread(tid);
  });
  after(cleanUp);

  it('plan shows what would be done, and does nothing', async () => {
    const { code, stdout } = await cli('plan', NAME, '--move', 'vcpu0=S/vcpu0', '--pin', 'vcpus=each:0-1');
    assert.equal(code, 0);
    assert.match(stdout, /^by command: 3 changes: 1 move, 2 pins\n[^]*\n1 {2}move vCPU 0 [^]*S\/emulator {2}→ {2}S\/vcpu0\n {3}expected {2}accepted\n {3}undo {6}exact\n/);
    assert.equal(place('0'), group('emulator').path);
  });

  it('apply asks where there is a terminal, and without one does nothing', async () => {
    const { code, stderr } = await cli('apply', NAME, '--move', 'vcpu0=S/vcpu0');
    assert.equal(code, 1);
    assert.match(stderr, /there is no terminal to ask at; add --yes\nnothing was done\n$/);
    assert.equal(place('0'), group('emulator').path);
  });

  it('apply --yes does it, history has it, undo takes it back, once', async () => {
    const applied = await cli('apply', NAME, '--yes', '--move', 'vcpu0=S/vcpu0', '--pin', 'vcpus=each:0-1');
    assert.equal(applied.code, 0, applied.stderr);
    assert.deepEqual([place('0'), cpusOf('0'), cpusOf('1')], [group('vcpu0').path, '0', '1']);
    assert.match((await cli('history')).stdout, /^[0-9a-f]{8} {2}\S+Z {2}\S+ {2}3 of 3 done {2}by command: 3 changes/);
    assert.equal((await cli('undo', '--yes')).code, 0);
    assert.deepEqual([place('0'), cpusOf('0'), cpusOf('1')], [group('emulator').path, '0,1', '0,1']);
    assert.match((await cli('history')).stdout, /3 of 3 done, undone {2}by command/);
    const again = await cli('undo', '--yes');
    assert.deepEqual([again.code, /nothing was applied/.test(again.stderr)], [1, true]);
  });

  it('--script prints what does the same under sh, and a second time finds it changed', async () => {
    const { stdout } = await cli('plan', NAME, '--script', '--move', 'vcpu1=S/vcpu1');
    run('sh', '-c', stdout);
    assert.equal(place('1'), group('vcpu1').path);
    assert.throws(() => run('sh', '-c', stdout), /it is not as it was read/);
    group('emulator').addThread(vcpus['1']!);
  });

  it('what has to be confirmed by itself is not done by --yes', async () => {
    const { code, stderr } = await cli('apply', NAME, '--yes', '--hierarchy', 'freezer', '--set', 'S/freezer.state=FROZEN');
    assert.equal(code, 1);
    assert.match(stderr, /nothing was done\n$/);
    assert.equal(makeCgroup('freezer', SCOPE).read('freezer.state'), 'THAWED');
  });

  describe('check and compare', () => {
    interface Checked {
      readonly hosts: readonly { readonly seconds: number; readonly findings: readonly { readonly rule: string; readonly severity: string; readonly fixes: readonly { readonly plan?: readonly string[] }[] }[] }[];
    }
    const found = async (...args: string[]): Promise<{ readonly code: number; readonly host: Checked['hosts'][0]; readonly stderr: string }> => {
      const { code, stdout, stderr } = await cli('check', '--machine', NAME, '--json', ...args);
      return { code, host: (JSON.parse(stdout) as Checked).hosts[0]!, stderr };
    };

    before(() => {
      for (const vcpu of ['0', '1']) group(`vcpu${vcpu}`).addThread(vcpus[vcpu]!);
    });

    it('a vCPU that is moved by hand: exit code 10, and the command of its fix puts it right', async () => {
      assert.equal((await cli('check', '--machine', NAME, '--seconds', '0', '--severity', 'warning')).code, 0);
      group('emulator').addThread(vcpus['1']!);
      const { code, host } = await found('--seconds', '0');
      const finding = host.findings.find(({ rule }) => rule === 'vcpu-in-emulator');
      assert.deepEqual([code, finding?.severity, host.seconds], [10, 'warning', 0]);
      const [, plan, ...args] = finding!.fixes[0]!.plan!;
      assert.equal(plan, 'plan');
      assert.equal((await cli('apply', '--yes', ...args)).code, 0);
      assert.equal(place('1'), group('vcpu1').path);
      assert.equal((await cli('check', '--machine', NAME, '--seconds', '0', '--severity', 'warning')).code, 0);
    });

    it('a vCPU that its quota holds back: seen by two looks, and not by one', async () => {
      group('vcpu0').write('cpu.cfs_quota_us', 1000);
      await qemu.qmp.execute('cont');
      try {
        const { code, host, stderr } = await found('--seconds', '1', '--rule', 'vcpu-in-emulator=off');
        const finding = host.findings.find(({ rule }) => rule === 'throttled');
        assert.deepEqual([code, finding?.severity, host.seconds], [10, 'warning', 1], stderr);
        assert.ok(finding!.fixes[0]!.plan?.some(word => word.endsWith('/cpu.cfs_quota_us=-1')), JSON.stringify(finding!.fixes));
        const once = await found('--seconds', '0');
        assert.ok(!once.host.findings.some(({ rule, severity }) => rule === 'throttled' && severity === 'warning'));
      } finally {
        await qemu.qmp.execute('stop');
        group('vcpu0').write('cpu.cfs_quota_us', -1);
      }
    });

    it('compare: now against a capture', async () => {
      const file = join(state, 'before.capture');
      assert.equal((await cli('collect', '--output', file)).code, 0);
      const same = await cli('compare', `${file}#${NAME}`, '.');
      assert.deepEqual([same.code, same.stdout], [0, '']);
      group('emulator').addThread(vcpus['1']!);
      group('vcpu0').write('cpu.cfs_quota_us', 50_000);
      const moved = await cli('compare', `${file}#${NAME}`, '.');
      assert.equal(moved.code, 10, moved.stderr);
      assert.match(moved.stdout, /^ {2}vCPU 1, cpu: S\/vcpu1 in before, S\/emulator in /m);
      assert.match(moved.stdout, /^ {2}S\/vcpu0 \(cpu\), quota: nothing in before, 50000\/100000 in /m);
      assert.equal(moved.stdout.match(/^ {2}\S/gm)?.length, 2, moved.stdout);
    });
  });

  for (const [name, args, code, said] of [
    ['a refusal', ['plan', NAME, '--move', 'vcpu0=/'], 1, /outside the machine's own cgroups/],
    ['a machine that is not there', ['plan', 'nobody', '--pin', 'vcpus=0'], 2, /no machine "nobody" here/],
    ['a thread that is not there', ['plan', NAME, '--pin', 'vcpu9=0'], 2, /has no thread "vcpu9"/],
    ['no list of CPUs', ['plan', NAME, '--pin', 'vcpus=x'], 2, /"x" is no list of CPUs/],
    ['an option of another command', ['plan', NAME, '--yes'], 2, /--yes does not go with plan/],
  ] as const) {
    it(`${name} is said, and the exit code tells`, async () => {
      const ran = await cli(...args);
      assert.equal(ran.code, code, ran.stderr);
      assert.match(ran.stderr, said);
    });
  }
});
