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
