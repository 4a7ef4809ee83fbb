import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseCapture, printCapture } from '../../../src/core/capture/format';
import { type Removed, redact } from '../../../src/core/capture/redact';
import { parseCmdline, parseQemuArguments } from '../../../src/core/parse/cmdline';
import { parseLibvirtStatus } from '../../../src/core/parse/libvirtStatus';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import { ALL_HOSTS, type Changeable, QEMU, addProcess, model, snapshot } from '../fixtures';
import { HOSTILE_STATES, statusXml } from '../statusXml';
import { hostileText } from './snapshots';

const argv = (...args: string[]): string => args.map(arg => `${arg}\0`).join('');

/** Every secret holds this word, in one of its spellings. */
const WORD = /s3cret/i;

/** Each names where a secret may stand in what the collector could bring, and puts it there. */
const SEEDS: Readonly<Record<string, (raw: Changeable) => void>> = {
  "QEMU's master key": raw => qemu(raw, '-object', '{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/var/lib/libvirt/s3cret/master-key.aes"}'),
  'a secret given as data': raw => qemu(raw, '-object', 'secret,id=sec0,data=S3CRET'),
  'a password of a display': raw => qemu(raw, '-spice', 'port=5900,password=s3cret', '-vnc', ':1,password-secret=s3cret'),
  'a disk': raw => qemu(raw, '-drive', 'file=/home/s3cret/disk.qcow2,if=virtio', '-blockdev', '{"driver":"file","filename":"/srv/s3cret.img"}', '-hda', '/s3cret'),
  'a disk behind an option with two dashes': raw => qemu(raw, '--drive', 'file=/home/s3cret/x', '--s3cret', 'x', '--s3cret=1'),
  'a socket and a character device': raw => qemu(raw, '-chardev', 'socket,id=charmonitor,path=/run/s3cret/monitor.sock', '-qmp', 'unix:/s3cret,server'),
  'a kernel and what it is told': raw => qemu(raw, '-kernel', '/home/s3cret/vmlinuz', '-append', 'root=/dev/s3cret token=s3cret'),
  'a network': raw => qemu(raw, '-netdev', 'user,id=n,hostname=s3cret', '-smbios', 'type=11,value=s3cret'),
  'a machine with options behind its type': raw => qemu(raw, '-machine', 'q35,memory-backend=s3cret,nvdimm=on'),
  'an accelerator with a device': raw => qemu(raw, '-accel', 'kvm,device=/home/s3cret/kvm'),
  'an I/O thread with more options': raw => qemu(raw, '-object', '{"qom-type":"iothread","id":"io1","note":"s3cret"}', '-object', 'iothread,id=io2,x=s3cret'),
  'a migration': raw => qemu(raw, '-incoming', 'tcp:s3cret.example:49152'),
  'an argument that is no option': raw => qemu(raw, 's3cret', '-S', 's3cret'),
  'the program of a user': raw => {
    raw.links.set(`/proc/${QEMU}/exe`, '/home/s3cret/build/qemu-system-x86_64');
    raw.files.set(`/proc/${QEMU}/cmdline`, argv('/home/s3cret/build/qemu-system-x86_64', '-name', 'serial'));
  },
  'a program by a way round': raw => raw.files.set(`/proc/${QEMU}/cmdline`, argv('/usr/bin/../../home/s3cret/qemu-system-x86_64')),
  'a program by a relative path': raw => raw.files.set(`/proc/${QEMU}/cmdline`, argv('s3cret/qemu-kvm', '-S')),
  'a program that was replaced': raw => raw.links.set(`/proc/${QEMU}/exe`, '/home/s3cret/qemu-kvm (deleted)'),
  "a helper's arguments": raw => addProcess(raw, 600, { comm: 'virtiofsd', cgroup: '0::/\n', exe: '/usr/libexec/virtiofsd', argv: ['/usr/libexec/virtiofsd', '--shared-dir', '/home/s3cret', '--tag=s3cret'] }),
  'an editor that was found by its argument': raw => addProcess(raw, 601, { comm: 'vim', cgroup: '0::/\n', exe: '/usr/bin/vim', argv: ['vim', '/home/s3cret/qemu-system-x86.log'] }),
  'another program that takes the options of QEMU': raw => addProcess(raw, 602, { comm: 'x', cgroup: '0::/\n', exe: '/usr/bin/x', argv: ['x', '-name', 's3cret'] }),
  'kernel parameters': raw => raw.files.set('/proc/cmdline', 'BOOT_IMAGE=/s3cret root=UUID=s3cret isolcpus=2-7 ip=s3cret quiet\n'),
  'mounts': raw =>
    raw.files.set('/proc/self/mountinfo', `${raw.files.get('/proc/self/mountinfo')}99 1 8:1 / /home/s3cret rw - ext4 /dev/s3cret rw\n98 1 0:5 / /home/s3cret/chroot/proc rw - proc proc rw\n97 1 0:9 / /mnt rw - nfs s3cret:/x rw\n`),
  ...Object.fromEntries(Object.entries(HOSTILE_STATES).map(([name, change]) => [
    `libvirt's state of a machine: ${name}`,
    (raw: Changeable) => void raw.files.set('/run/libvirt/qemu/serial.xml', change(statusXml({ pid: QEMU, name: 'serial', uuid: '11111111-2222-4333-8444-555555555555', vcpus: { 0: 528 } }))),
  ])),
  "files beside libvirt's states": raw => {
    for (const path of ['/run/libvirt/qemu/channel/s3cret.xml', '/etc/libvirt/qemu/s3cret.xml', '/run/libvirt/qemu/../s3cret.xml', '/run/user/s3cret/libvirt/qemu/run/x.xml', '/run/libvirt/qemu/x.pid']) raw.files.set(path, statusXml({ pid: QEMU, name: 'serial', uuid: '11111111-2222-4333-8444-555555555555', vcpus: {} }));
  },
  "a file of debugfs that is no TID": raw => raw.files.set('/sys/kernel/debug/kvm/519-13/vcpu0/pid', '528\ns3cret\n'),
  'addresses in stat': raw => raw.files.set(`/proc/${QEMU}/task/${QEMU}/stat`, raw.files.get(`/proc/${QEMU}/task/${QEMU}/stat`)!.trimEnd().replace(/ \d+ \d+$/, ' 53111 53222\n').replaceAll('53111', 's3cret').replaceAll('53222', 's3cret')),
  'other lines of status': raw => raw.files.set(`/proc/${QEMU}/status`, `Name:\ts3cret\nGroups:\ts3cret\n${raw.files.get(`/proc/${QEMU}/status`)}`),
  'the reader': raw => Object.assign(raw, { collection: { ...raw.collection, user: { uid: 1000, name: 's3cret' } } }),
  'messages of the host': raw => Object.assign(raw, { collection: { ...raw.collection, remarks: ['bash: /home/s3cret/.bashrc: No such file'] } }),
  'a path that a message named': raw => raw.errors.set('/home/s3cret/.profile', 'EACCES'),
  'files that the collector does not read': raw => {
    for (const path of ['/etc/s3cret', `/proc/${QEMU}/environ`, `/proc/${QEMU}/maps`, '/root/.ssh/id_rsa', '/sys/class/dmi/id/product_serial']) raw.files.set(path, 's3cret\n');
  },
  'a machine whose first part is no type': raw =>
    qemu(raw, '-machine', 'dumpdtb=/home/s3cret/x.dtb', '-machine', 'firmware=/home/s3cret/OVMF.fd,type=q35', '-machine', 'append=root=/dev/vda password=s3cret', '-machine', '{"type":"s3cret"}', '-machine', 'type=q35,,s3cret'),
  'a title that holds the arguments': raw => raw.files.set(`/proc/${QEMU}/cmdline`, argv('/usr/bin/qemu-system-x86_64 -object secret,id=s,data=s3cret -S')),
  'a title that a runner wrote': raw => raw.files.set(`/proc/${QEMU}/cmdline`, argv('runner for s3cret: token=s3cret exec qemu-system')),
  'a title that begins with a secret': raw => raw.files.set(`/proc/${QEMU}/cmdline`, argv('token=s3cret', '-S')),
  'a title that begins with a folder': raw => raw.files.set(`/proc/${QEMU}/cmdline`, argv('/home/s3cret and others/qemu-kvm')),
  'a program with a strange name': raw => raw.links.set(`/proc/${QEMU}/exe`, '/usr/bin/x s3cret'),
  'a name of the process': raw => qemu(raw, '-name', 'guest=vm1,process=qemu:/home/s3cret/vm1', '-name', 'process=s3cret', '-name', 'guest=/home/s3cret', '-name', 'a,,/s3cret', '-name', 'x=s3cret'),
  'values that do not fit': raw => qemu(raw, '-m', 's3cret', '-m', '64,s3cret=1,slots=s3cret', '-smp', '4,cpus=s3cret', '-uuid', 's3cret', '-accel', 's3cret', '-accel', 'kvm,thread=s3cret', '-object', 'iothread,id=/home/s3cret'),
  'a program that is only called after QEMU': raw => addProcess(raw, 603, { comm: 'x', cgroup: '0::/\n', exe: '/usr/bin/notqemu-helper', argv: ['/usr/bin/kvm-runner', '-name', 's3cret'] }),
  'a value that looks like an option': raw => qemu(raw, '-append', '-name', 's3cret', '-chardev', '-m', '/home/s3cret', '-unknown', '--name', 's3cret'),
  'kernel parameters in quotes': raw => raw.files.set('/proc/cmdline', 'dyndbg="file x isolcpus=s3cret +p" isolcpus="2 s3cret" nohz_full=/home/s3cret init="s3cret kvm.x=1\n'),
  'parameters for init': raw => raw.files.set('/proc/cmdline', 'quiet -- psi=s3cret\n'),
  'options and sources of cgroup mounts': raw => addMounts(raw, '96 1 0:8 / /sys/fs/cgroup/systemd rw,s3cret - cgroup s3cret rw,xattr,release_agent=/home/s3cret/agent,name=systemd'),
  'cgroups that are mounted elsewhere': raw => {
    addMounts(raw, '95 1 0:9 / /home/s3cret/cgroup rw - cgroup2 cgroup2 rw', '94 1 0:9 / /sys/fs/cgroup/../../home/s3cret rw - cgroup2 cgroup2 rw');
    for (const top of ['/home/s3cret/cgroup', '/proc/1/root/s3cret', '/sys/s3cret', '/sys/fs/cgroup/../s3cret', '/sys/fs/cgroups3cret']) {
      raw.directories.add(top);
      raw.files.set(`${top}/cgroup.type`, 'domain\n');
      raw.errors.set(`${top}/cpu.max`, 'EACCES');
    }
  },
  'links other than to programs': raw => {
    raw.links.set(`/proc/${QEMU}/cwd`, '/home/s3cret');
    raw.links.set(`/proc/${QEMU}/fd/3`, '/home/s3cret');
  },
};

/** Puts arguments behind those of the machine, each of which may be followed by a value. */
function qemu(raw: Changeable, ...args: string[]): void {
  const path = `/proc/${QEMU}/cmdline`;
  raw.files.set(path, raw.files.get(path)! + argv(...args));
}

function addMounts(raw: Changeable, ...mounts: string[]): void {
  const path = '/proc/self/mountinfo';
  raw.files.set(path, `${raw.files.get(path)}${mounts.map(mount => `${mount}\n`).join('')}`);
}

function printed(raw: RawSnapshot): { text: string; removed: readonly Removed[] } {
  const { snapshot: redacted, removed } = redact(raw);
  return { text: printCapture(redacted), removed };
}

describe('redaction', () => {
  for (const [name, seed] of Object.entries(SEEDS)) {
    it(`leaves no trace of ${name}, and says that something was removed`, () => {
      const before = printed(snapshot('guest-v2')).removed;
      const { text, removed } = printed(snapshot('guest-v2', seed));
      assert.doesNotMatch(text, WORD);
      assert.doesNotMatch(text, /53111|53222/);
      assert.ok(JSON.stringify(removed) !== JSON.stringify(before), 'nothing was said of it');
      assert.doesNotMatch(JSON.stringify(removed.filter(r => r.what !== 'arguments')), WORD);
    });
  }

  it('leaves no trace of all of them at once', () => {
    const { text } = printed(snapshot('host-v1-libvirt', raw => {
      raw.files.set(`/proc/${QEMU}/cmdline`, argv('/usr/bin/qemu-kvm'));
      raw.files.set(`/proc/${QEMU}/status`, 'Uid:\t0\t0\t0\t0\n');
      raw.files.set(`/proc/${QEMU}/task/${QEMU}/stat`, `${QEMU} (x) ${Array.from({ length: 50 }, () => '9').join(' ')}\n`);
      for (const seed of Object.values(SEEDS)) seed(raw);
    }));
    assert.doesNotMatch(text, WORD);
  });

  it('keeps none of what a process could hide in a path or a text that is not on the list', () => {
    fc.assert(
      fc.property(hostileText, hostileText, (a, b) => {
        const raw = snapshot('guest-v2', copy => {
          copy.files.set(`/home/${a}/s3cret${b}`, 's3cret');
          copy.errors.set(`/home/s3cret${a}/x`, 'EIO');
          copy.links.set(`/home/s3cret/${b}`, 's3cret');
          copy.files.set('/proc/519/cmdline', argv('/usr/bin/qemu-kvm', `-drive`, `s3cret${a}`, `-s3cret${b}`, `s3cret`));
          copy.files.set('/proc/cmdline', `s3cret${a.replace(/\s/g, '')}=1 x=s3cret\n`);
          copy.files.set('/proc/self/mountinfo', `1 1 0:1 / /s3cret rw - ext4 s3cret${a.replaceAll('\n', '')} rw\n`);
        });
        assert.doesNotMatch(printed(raw).text, WORD);
      }),
      { numRuns: 200 },
    );
  });

  it('names options and parameters, where a name tells nothing, and never a value', () => {
    const { removed } = printed(snapshot('guest-v2', raw => {
      qemu(raw, '-drive', 'file=/home/s3cret/x', '-append', 'root=/dev/s3cret');
      SEEDS['kernel parameters']!(raw);
    }));
    const of = (what: Removed['what']): Removed => removed.find(r => r.what === what)!;
    assert.deepEqual(of('arguments').names, ['-append', '-drive']);
    assert.deepEqual(of('arguments').count, 2);
    assert.deepEqual(of('kernelParameters'), { what: 'kernelParameters', count: 4, names: ['BOOT_IMAGE', 'ip', 'root'] });
    for (const { names } of removed) for (const name of names) assert.doesNotMatch(name, /[=/ ]/);
  });

  it('keeps of a command line what the model needs: name, UUID, I/O threads, a migration that comes in', () => {
    const { snapshot: redacted } = redact(snapshot('guest-v2', raw =>
      raw.files.set('/proc/519/cmdline', argv('/usr/bin/qemu-kvm', '-name', 'guest=a,,b,debug-threads=on', '-uuid', '11111111-2222-4333-8444-55555555555a', '-S', '-object', '{"id":"io,1","qom-type":"iothread"}', '-object', 'iothread,poll-max-ns=1,id=io2', '-incoming', 'tcp:h:1', '-smp', '4')),
    ));
    const args = parseCmdline(redacted.files.get('/proc/519/cmdline')!);
    assert.deepEqual(parseQemuArguments(args), { name: 'a,b', uuid: '11111111-2222-4333-8444-55555555555a', ioThreads: ['io,1', 'io2'], incoming: true });
    assert.deepEqual(args.slice(-2), ['-smp', '4']);
  });

  const KEPT: readonly (readonly [given: readonly string[], kept: readonly string[]])[] = [
    [['-machine', 'type=pc-q35-7.2,nvdimm=on'], ['-machine', 'type=pc-q35-7.2']],
    [['-machine', 'dumpdtb=/x'], []],
    [['-name', 'guest=a,,b,process=x,debug-threads=on'], ['-name', 'guest=a,,b,debug-threads=on']],
    [['-name', 'process=x,debug-threads=on'], ['-name', 'debug-threads=on']],
    [['-name', 'a/b'], []],
    [['-m', 'size=4194304k,slots=16,maxmem=8G,x=1'], ['-m', 'size=4194304k,slots=16,maxmem=8G']],
    [['-smp', '4,maxcpus=8,sockets=2,x=1'], ['-smp', '4,maxcpus=8,sockets=2']],
    [['-accel', 'kvm,kernel-irqchip=split,device=/x'], ['-accel', 'kvm,kernel-irqchip=split']],
    [['-append', '-name', 'alice'], []],
    [['-S', '-name', 'x', '-nodefaults', '--m', '1'], ['-name', 'x', '-m', '1']],
  ];
  for (const [given, kept] of KEPT) {
    it(`keeps of ${given.join(' ')}: ${kept.join(' ') || 'nothing'}`, () => {
      const { snapshot: redacted } = redact(snapshot('guest-v2', raw => raw.files.set('/proc/519/cmdline', argv('/usr/bin/qemu-kvm', ...given))));
      assert.deepEqual(parseCmdline(redacted.files.get('/proc/519/cmdline')!).slice(1), kept);
    });
  }

  it('keeps the first word of a title, the parameters for CPUs and the mounts by convention', () => {
    const { files } = redact(snapshot('guest-v2', raw => {
      raw.files.set('/proc/519/cmdline', argv('/usr/bin/qemu-system-x86_64 -S'));
      raw.files.set('/proc/cmdline', 'a="b c" isolcpus=managed_irq,domain,2-7 rcu_nocbs=0-63:1/2 nohz_full=/x nosmt\n');
      raw.files.set('/proc/self/mountinfo', '1 2 0:3 /a /dev/cpuset rw,x shared:1 master:2 - cgroup none rw,cpuset,release_agent=/x\n');
    })).snapshot;
    assert.equal(files.get('/proc/519/cmdline'), argv('/usr/bin/qemu-system-x86_64'));
    assert.equal(files.get('/proc/cmdline'), 'isolcpus=managed_irq,domain,2-7 rcu_nocbs=0-63:1/2 nosmt\n');
    assert.equal(files.get('/proc/self/mountinfo'), '1 2 0:3 /a /dev/cpuset rw shared:1 master:2 - cgroup cgroup rw,cpuset\n');
  });

  it("keeps of libvirt's state what the model needs, and says the same in a capture", () => {
    const status = { pid: QEMU, name: `a&'<é>`, uuid: '11111111-2222-4333-8444-55555555555a', vcpus: { 0: 528, 3: 531 }, pins: ["<vcpupin vcpu='0' cpuset='0,2-3'/>", "<emulatorpin cpuset='1'/>", "<iothreadpin iothread='2' cpuset='5'/>"], placement: " placement='static' cpuset='0-7' current='2'" };
    const [system, session] = [`/run/libvirt/qemu/a&'<é>.xml`, `/run/user/1000/libvirt/qemu/run/a&'<é>.xml`];
    const { snapshot: redacted } = redact(snapshot('guest-v2', raw => {
      for (const path of [system, session]) raw.files.set(path, statusXml(status));
    }));
    const { files } = parseCapture(printCapture(redacted)).snapshot;
    for (const path of [system, session]) assert.deepEqual(parseLibvirtStatus(files.get(path)!), parseLibvirtStatus(statusXml(status)));
  });

  it('done twice is done once', () => {
    for (const seed of [() => undefined, ...Object.values(SEEDS)]) {
      const once = redact(snapshot('guest-v2', seed)).snapshot;
      const twice = redact(once);
      assert.deepEqual(twice.snapshot, once);
      assert.deepEqual(twice.removed, []);
    }
  });

  for (const name of ALL_HOSTS) {
    it(`takes nothing out of ${name}, which is redacted, and nothing that its model needs`, async () => {
      const raw = snapshot(name);
      const { snapshot: redacted, removed } = redact(raw);
      assert.deepEqual(removed, []);
      const before = await model(raw);
      const after = await model(parseCapture(printCapture(redacted)).snapshot);
      assert.deepEqual(after, before);
    });
  }

  it('keeps what a capture is about: names of machines, threads and cgroups, also hostile ones', () => {
    const { text } = printed(snapshot('guest-v2', raw => {
      addProcess(raw, 700, { comm: 'IO größe\n', cgroup: '0::/a b/größe\n', exe: '/usr/bin/qemu-kvm', argv: ['/usr/bin/qemu-kvm', '-name', 'täst'] });
      raw.directories.add('/sys/fs/cgroup/a b/größe');
      raw.errors.set('/sys/fs/cgroup/a b/größe/cpu.max', 'EACCES');
      raw.errors.set('/proc/700/exe', 'EACCES');
      raw.errors.set('/proc/701/stat', 'EACCES');
    }));
    for (const kept of ['(IO größe\n', '0::/a b/größe\n', 'täst%00', 'dir /sys/fs/cgroup/a b/größe\n', 'error EACCES /sys/fs/cgroup/a b/größe/cpu.max\n', 'error EACCES /proc/700/exe\n', 'error EACCES /proc/701/stat\n']) {
      assert.ok(text.includes(kept), kept);
    }
  });
});
