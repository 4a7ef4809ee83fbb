import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WireDecoder } from '../../../src/core/collect/wire';
import { CollectError } from '../../../src/core/errors';
import { encodeBytes } from '../../../src/core/parse/bytes';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import { statText } from '../fixtures';

const TIMING = { startedAt: 1, took: 2 };

function decode(chunks: readonly Buffer[], stderr = ''): RawSnapshot {
  const decoder = new WireDecoder();
  for (const chunk of chunks) decoder.push(chunk);
  return decoder.finish(stderr, 'host', TIMING);
}

function framed(header: string, text: string): string {
  return `${header.replace('BYTES', String(encodeBytes(text).length))}\n${text}`;
}

const MEMBERSHIP = '0::/machine.slice/machine-qemu\\x2d1\\x2dserial.scope/libvirt/vcpu0\n';
const FORGING = 'x\n=end\n=d /forged';

/** An answer with every kind of frame, and names that try to break it. */
const ANSWER = encodeBytes(
  [
    '=cgroup-lens 1\n',
    framed('=f BYTES 519/cmdline', '/usr/bin/qemu-system-x86_64\0-name\0größe\udcff\0'),
    framed('=t 1 BYTES', MEMBERSHIP),
    '=m 519/task/519 1\n',
    framed('=s 519/task/519 BYTES', statText(519, 'qemu-system-x86')),
    '=m 519/task/528 1\n',
    framed('=s 519/task/528 BYTES', statText(528, FORGING)),
    framed('=t 2 BYTES', '0::/a\n=end\n1:cpu:/b\n'),
    '=m 519/task/530 2\n',
    framed('=s 519/task/530 BYTES', statText(530, '')),
    '=d /sys/fs/cgroup\n',
    framed('=f BYTES /sys/fs/cgroup/cgroup.controllers', 'cpuset cpu\n'),
    '=d /sys/fs/cgroup/a b\u2028\r=end\n',
    framed('=f BYTES /sys/fs/cgroup/a b\u2028\r=end/cpu.max', 'max 100000\n'),
    framed('=c BYTES 520/cmdline', 'virtiofsd\x01--a\x02b\x01'),
    framed('=f BYTES 519/status', 'Uid:\t1\t2\t3\t4\n'),
    '=a 519/task/519 0-1,8 10 20 30\n',
    '=a 519/task/528 - - - -\n',
    '=l lrwxrwxrwx 1 64055 64055 0 Nov 22 20:50 519/exe -> /usr/bin/qemu -> x\n',
    '=l lrwxrwxrwx    1 0        0                0 Nov 22 20:50 520/exe -> /usr/libexec/virtiofsd (deleted)\n',
    '=h 700 /sys/fs/cgroup/a b/cgroup.threads\n=h 701 /sys/fs/cgroup/a b/cgroup.threads\n',
    '=missing find\n',
    '=user uid=1000(op) gid=1000(op) groups=1000(op)\n',
    '=hides\n',
    framed('=f BYTES sys/kernel/osrelease', '6.1.0\n'),
    '=end\n',
  ].join(''),
);

function isCollectError(reason: string) {
  return (error: unknown): boolean => CollectError.is(error) && error.reason === reason;
}

describe("the collector's answer", () => {
  const whole = decode([ANSWER]);

  it('becomes a snapshot: texts, links, directories, user, remarks', () => {
    assert.equal(whole.collection.complete, true);
    assert.deepEqual(whole.collection, { ...TIMING, complete: true, hides: true, user: { uid: 1000, name: 'op' }, remarks: ['missing tool: find'] });
    assert.deepEqual(whole.links, new Map([['/proc/519/exe', '/usr/bin/qemu -> x'], ['/proc/520/exe', '/usr/libexec/virtiofsd (deleted)']]));
    assert.deepEqual([...whole.directories], ['/sys/fs/cgroup', '/sys/fs/cgroup/a b\u2028\r=end']);
    assert.deepEqual(
      whole.files,
      new Map([
        ['/proc/519/cmdline', '/usr/bin/qemu-system-x86_64\0-name\0größe\udcff\0'],
        ['/proc/519/task/519/cgroup', MEMBERSHIP],
        ['/proc/519/task/519/stat', statText(519, 'qemu-system-x86')],
        ['/proc/519/task/528/cgroup', MEMBERSHIP],
        ['/proc/519/task/528/stat', statText(528, FORGING)],
        ['/proc/519/task/530/cgroup', '0::/a\n=end\n1:cpu:/b\n'],
        ['/proc/519/task/530/stat', statText(530, '')],
        ['/sys/fs/cgroup/cgroup.controllers', 'cpuset cpu\n'],
        ['/sys/fs/cgroup/a b\u2028\r=end/cpu.max', 'max 100000\n'],
        ['/proc/520/cmdline', 'virtiofsd\0--a\nb\0'],
        ['/proc/519/status', 'Uid:\t1\t2\t3\t4\n'],
        ['/proc/519/task/519/status', 'Cpus_allowed_list:\t0-1,8\n'],
        ['/proc/519/task/519/schedstat', '10 20 30\n'],
        ['/sys/fs/cgroup/a b/cgroup.threads', '700\n701\n'],
        ['/proc/sys/kernel/osrelease', '6.1.0\n'],
        ['/sys/fs/cgroup/cgroup.subtree_control', ''],
      ]),
    );
    assert.deepEqual(whole.errors, new Map([['/proc/700/stat', 'EACCES'], ['/proc/701/stat', 'EACCES']]));
  });

  it('is the same wherever it is split in two', () => {
    for (let at = 0; at <= ANSWER.length; at++) assert.deepEqual(decode([ANSWER.subarray(0, at), ANSWER.subarray(at)]), whole, `split at ${at}`);
  });

  it('is the same byte by byte, and in any pieces', () => {
    assert.deepEqual(decode(Array.from(ANSWER, byte => Buffer.of(byte))), whole);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: ANSWER.length }), { maxLength: 20 }), cuts => {
        const at = [0, ...cuts, ANSWER.length].sort((a, b) => a - b);
        assert.deepEqual(decode(at.slice(1).map((end, i) => ANSWER.subarray(at[i], end))), whole);
      }),
    );
  });

  it('that breaks off anywhere is partly there and says so, or is no answer at all', () => {
    const firstLine = ANSWER.indexOf('\n') + 1;
    for (let length = 0; length < ANSWER.length; length++) {
      const cut = ANSWER.subarray(0, length);
      if (length < firstLine) {
        assert.throws(() => decode([cut]), isCollectError('not-an-answer'));
        continue;
      }
      const part = decode([cut]);
      assert.equal(part.collection.complete, false, `${length} bytes`);
      // what is there is true; only lists of hidden tasks and the file that stands for an empty one may be shorter
      for (const [path, text] of part.files) if (!/threads$|subtree_control$/.test(path)) assert.equal(text, whole.files.get(path), path);
      for (const directory of part.directories) assert.ok(whole.directories.has(directory));
    }
  });

  it('may follow whatever a login shell prints', () => {
    const banner = Buffer.from('Welcome to web1!\n=cgroup-lens 1 is installed\n=end\n\xff\n', 'latin1');
    assert.deepEqual(decode([banner, ANSWER]), whole);
  });

  it('says what was said instead, when there is none', () => {
    const error = (text: string, stderr = ''): unknown => {
      try {
        return decode([Buffer.from(text)], stderr);
      } catch (thrown) {
        return thrown;
      }
    };
    const banner = error('This account is currently not available.');
    assert.ok(CollectError.is(banner, 'not-an-answer'));
    assert.deepEqual(banner.details, { host: 'host', said: 'This account is currently not available.' });
    const message = error('', 'sh: not found\n');
    assert.ok(CollectError.is(message, 'not-an-answer'));
    assert.equal(message.details.said, 'sh: not found');
  });

  it('of a system that is not Linux is refused', () => {
    assert.throws(() => decode([Buffer.from('=cgroup-lens 1\n=missing /proc/self/mountinfo\n')]), isCollectError('not-linux'));
  });

  it('never throws but a CollectError, and never hangs, on garbage', () => {
    const frame = fc.constantFrom('=f 5 a', '=f 5 a\nabcde', '=f 99999999999999999999 a', '=f -3 a', '=f x', '=m 1/task/1 1', '=m 1/task/1 x', '=m', '=s 1/task/1 -40', '=s 1/task/1 1.5', '=s 1/task/1 3\nabc', '=s', '=t 1', '=t 1 3\nabc', '=a', '=a x', '=d', '=c 0 1/cmdline', '=h x', '=l', '=l =l', '=user', '=hides', '=missing', '=end', '=', '', 'garbage', '=f 3 \nabc', '\u0000');
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, fc.string({ unit: 'binary', maxLength: 10 })), { maxLength: 12 }), fc.boolean(), (lines, begins) => {
        const text = `${begins ? '=cgroup-lens 1\n' : ''}${lines.join('\n')}\n`;
        try {
          const snapshot = decode([Buffer.from(text)]);
          if (snapshot.collection.complete) assert.ok(lines.includes('=end'));
        } catch (error) {
          assert.ok(CollectError.is(error), String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });

  const damaged: Readonly<Record<string, string>> = {
    'an unknown frame': '=x 1',
    'no frame': 'hello',
    'a length that is negative': '=f -3 /a',
    'a length that points back to its own frame, for ever': '=s 1/task/1 -18',
    'a length that is a fraction': '=f 1.5 /a',
    'a length that no file has': '=f 99999999999 /a',
    'a thread with a text that never came': '=m 1/task/1 9',
    'a thread that is none': '=m 1/../../etc 1',
    'no path': '=f 3',
  };
  for (const [name, header] of Object.entries(damaged)) {
    it(`stops at ${name}: what came before is kept`, () => {
      const snapshot = decode([Buffer.from(`=cgroup-lens 1\n=t 1 1\n\n=d /before\n${header}\n=d /after\n=end\n`)]);
      assert.equal(snapshot.collection.complete, false);
      assert.deepEqual([...snapshot.directories], ['/before']);
      assert.match(snapshot.collection.remarks.join(), /^unexpected answer: /);
    });
  }
});

describe('what the host says on standard error', () => {
  function errorsOf(stderr: string): { errors: Record<string, string>; remarks: readonly string[] } {
    const { errors, collection } = decode([Buffer.from('=cgroup-lens 1\n=end\n')], stderr);
    return { errors: Object.fromEntries(errors), remarks: collection.remarks };
  }

  const messages: Readonly<Record<string, readonly [stderr: string, path: string, errno: string]>> = {
    'GNU grep: a task that went away': ['grep: 519/task/528/cgroup: No such process', '/proc/519/task/528/cgroup', 'ESRCH'],
    'GNU grep: a file of the kernel that may not be read': ['grep: /sys/fs/cgroup/a/cpuset.cpus: Permission denied', '/sys/fs/cgroup/a/cpuset.cpus', 'EACCES'],
    'GNU find: a directory that may not be read': ["find: '/sys/fs/cgroup/a b': Permission denied", '/sys/fs/cgroup/a b', 'EACCES'],
    'GNU grep by its path': ['/usr/bin/grep: 1/stat: No such file or directory', '/proc/1/stat', 'ENOENT'],
    'a cgroup that was removed under the reader': ['grep: /sys/fs/cgroup/a/cpu.max: No such device', '/sys/fs/cgroup/a/cpu.max', 'ENODEV'],
    'a threaded cgroup': ['grep: /sys/fs/cgroup/a/cgroup.procs: Operation not supported', '/sys/fs/cgroup/a/cgroup.procs', 'EOPNOTSUPP'],
    'musl says it shorter': ['grep: /sys/fs/cgroup/a/cgroup.procs: Not supported', '/sys/fs/cgroup/a/cgroup.procs', 'EOPNOTSUPP'],
    'musl, too': ['grep: /sys/fs/cgroup/a/x: I/O error', '/sys/fs/cgroup/a/x', 'EIO'],
    'a path with colons and spaces': ['grep: /sys/fs/cgroup/a: b: c/cpu.max: Permission denied', '/sys/fs/cgroup/a: b: c/cpu.max', 'EACCES'],
    'bash: a redirection': ['sh: line 12: 519/cmdline: No such file or directory', '/proc/519/cmdline', 'ENOENT'],
    'dash: a redirection': ['sh: 12: cannot open 519/cmdline: No such file', '/proc/519/cmdline', 'ENOENT'],
    'busybox: a redirection': ["sh: can't open 519/cmdline: no such file", '/proc/519/cmdline', 'ENOENT'],
    'busybox: one that is forbidden': ["sh: can't open 519/cmdline: Permission denied", '/proc/519/cmdline', 'EACCES'],
  };
  for (const [name, [stderr, path, errno]] of Object.entries(messages)) {
    it(`is an error of a file: ${name}`, () => assert.deepEqual(errorsOf(`${stderr}\n`), { errors: { [path]: errno }, remarks: [] }));
  }

  it('is a remark where it is anything else, twenty at most and none without end', () => {
    assert.deepEqual(errorsOf('sh: 1: mawk: not found\n\ngrep: x: Some new message\n'), { errors: {}, remarks: ['sh: 1: mawk: not found', 'grep: x: Some new message'] });
    const { remarks } = errorsOf(`${'x'.repeat(1000)}\n`.repeat(100));
    assert.deepEqual([remarks.length, remarks[0]?.length], [20, 300]);
  });
});

describe('lines of ls', () => {
  const line = (name: string, target?: string): string => `=l lrwxrwxrwx 1 0 0 0 Nov 22 20:50 ${name}/exe${target === undefined ? '' : ` -> ${target}`}\n`;
  const linksOf = (...lines: string[]): Record<string, string> => Object.fromEntries(decode([Buffer.from(`=cgroup-lens 1\n${lines.join('')}=end\n`)]).links);

  it('give the link of a process', () => assert.deepEqual(linksOf(line('519', '/usr/bin/qemu-kvm')), { '/proc/519/exe': '/usr/bin/qemu-kvm' }));

  it('with a year in place of the time, as of an old file', () => {
    assert.deepEqual(linksOf('=l lrwxrwxrwx. 1 0 0 0 Jan  5  2023 519/exe -> /usr/bin/kvm\n'), { '/proc/519/exe': '/usr/bin/kvm' });
  });

  it('of a link that may not be read give none', () => assert.deepEqual(linksOf(line('519')), {}));

  it("that a newline in a target forged are not believed, nor is the process's own line", () => {
    assert.deepEqual(linksOf(line('1', '/usr/lib/systemd/systemd'), line('519', '/tmp/x'), line('1', '/usr/bin/qemu-kvm')), { '/proc/519/exe': '/tmp/x' });
  });

  it('are not believed either when the true one came last, or came three times', () => {
    assert.deepEqual(linksOf(line('2', '/forged'), line('2', '/true')), {});
    assert.deepEqual(linksOf(line('2', '/forged'), line('2', '/true'), line('2', '/again')), {});
  });

  it('cannot be forged for a process whose link may not be read', () => {
    assert.deepEqual(linksOf(line('1'), line('519', '/tmp/x'), line('1', '/usr/bin/qemu-kvm')), { '/proc/519/exe': '/tmp/x' });
    assert.deepEqual(linksOf(line('1', '/usr/bin/qemu-kvm'), line('1')), {});
  });

  it('that are none are nothing', () => assert.deepEqual(linksOf('=l total 0\n', '=l \n', '=l lrwxrwxrwx 1 0 0 0 Nov 22 20:50 /etc/passwd -> 519/exe -> x\n'), {}));
});
