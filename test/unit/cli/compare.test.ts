import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureText } from '../fixtures';
import { captureFile, cli } from './support';

const [BEFORE, NOW] = [captureFile('guest-hybrid'), captureFile('misplaced-vcpus')];

describe('cgroup-lens compare', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-compare-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('what moved, with what each side read', async () => {
    const { code, stdout, stderr } = await cli('compare', BEFORE, NOW);
    assert.deepEqual([code, stderr], [10, '']);
    assert.ok(stdout.startsWith([
      'serial   guest-hybrid → misplaced-vcpus',
      '  vCPU 2, cpu,cpuacct: S/vcpu2 in guest-hybrid, S/emulator in misplaced-vcpus',
      String.raw`    guest-hybrid: /proc/450/task/460/cgroup   cpu,cpuacct:/machine.slice/machine-qemu\x2d1\x2dserial.scope/libvirt/vcpu2`,
      String.raw`    misplaced-vcpus: /proc/450/task/460/cgroup   cpu,cpuacct:/machine.slice/machine-qemu\x2d1\x2dserial.scope/libvirt/emulator`,
      '',
    ].join('\n')), stdout);
    assert.equal(stdout.match(/^ {2}\S/gm)?.length, 4);
  });

  it('JSON: the same', async () => {
    const { code, stdout } = await cli('compare', `${BEFORE}#serial`, `${NOW}#serial`, '--json');
    const { version, hosts, machines, only } = JSON.parse(stdout) as { version: number; hosts: { host: string }[]; machines: { machines: { name: string }[]; differences: Record<string, unknown>[] }[]; only: unknown };
    assert.deepEqual([code, version, hosts.map(({ host }) => host), only], [10, 1, ['guest-hybrid', 'misplaced-vcpus'], [[], []]]);
    assert.deepEqual(machines[0]!.machines.map(({ name }) => name), ['serial', 'serial']);
    assert.equal(machines[0]!.differences.length, 4);
    const { evidence, ...first } = machines[0]!.differences[0]!;
    assert.equal((evidence as unknown[]).length, 2);
    assert.deepEqual(first, { rule: 'placement-differs', severity: 'information', section: 'thread vCPU 2', fact: 'cpu,cpuacct', sentence: 'vCPU 2, cpu,cpuacct: S/vcpu2 in guest-hybrid, S/emulator in misplaced-vcpus' });
  });

  it('exit codes, and what is refused', async () => {
    const damaged = join(folder, 'damaged.capture');
    const text = captureText('guest-hybrid');
    writeFileSync(damaged, text.slice(0, text.lastIndexOf('\n', text.length - 2)));
    const named = join(folder, 'a#b.capture');
    writeFileSync(named, text);
    const hash = join(folder, 'hash#.capture');
    writeFileSync(hash, text.replace('guest=serial', 'guest=se#ri#al'));
    const called = join(folder, 'called.capture'); // one machine of it like another's PID
    writeFileSync(called, captureText('host-v1-libvirt').replace('guest=hybrid-tcg,', 'guest=29142,'));
    for (const [name, args, code, said] of [
      ['equal', [BEFORE, BEFORE], 0, /^$/],
      ['equal, of a file that is called like a machine of one', [BEFORE, named], 0, /^$/],
      ['a file and a machine with # in their names', [`${hash}#se#ri#al`, `${BEFORE}#serial`], 0, /^$/],
      ['a file with # in its name and no such machine', [`${hash}#se`, BEFORE], 2, /no machine "se" here; there is: se#ri#al/],
      ['not the only machine', [`${captureFile('host-v1-libvirt')}#kvmdemo`, captureFile('host-v1-libvirt')], 0, /^$/],
      ['a namesake, and not whose PID that is', [`${called}#5819`, called], 0, /^$/],
      ['no such machine', [`${BEFORE}#nobody`, NOW], 2, /no machine "nobody" here; there is: serial/],
      ['no such file', [BEFORE, join(folder, 'none')], 1, /cannot be read/],
      ['no name', [`${BEFORE}#`, NOW], 2, /should be FILE, FILE#MACHINE, \. or \.#MACHINE/],
      ['a host that neither is', [BEFORE, NOW, '--host', 'web1'], 2, /neither of the two is \./],
      ['one alone', [BEFORE], 2, /compare needs two/],
    ] as const) {
      const ran = await cli('compare', ...args);
      assert.equal(ran.code, code, `${name}: ${ran.stdout}${ran.stderr}`);
      assert.match(ran.stderr, said, name);
    }
    const part = await cli('compare', BEFORE, damaged);
    assert.ok(part.code === 3 || part.code === 10, String(part.code));
    assert.notEqual(part.stderr, '');
  });
});
