import fc from 'fast-check';
import type { RedactedSnapshot } from '../../../src/core/capture/redact';
import { decodeBytes } from '../../../src/core/parse/bytes';
import { ERRNOS } from '../../../src/core/rawSnapshot';

/** What the kernel or an attacker may have written: any bytes, with a taste for what breaks lines and encodings. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 6 }).map(bytes => Buffer.from(bytes)),
      fc
        .constantFrom('\n', '\r', '\r\n', '\n\n', '\t', '%', '%41', '%0A', '%ZZ', ' ', '\0', '\x1b[31m', '\u0085', '\u009b', '\u2028', '\u2029', '\u202e', '\ufeff', '💀', 'é', '\ntext /x\n\ty\n', 'end 3', '# no', 'a')
        .map(text => Buffer.from(text)),
      // bytes that are no UTF-8, alone and at the end of what is
      fc.constantFrom('ff', '80', 'c3', 'e282', 'f09f92', 'c280', 'e280').map(hex => Buffer.from(hex, 'hex')),
    ),
    { maxLength: 8 },
  )
  .map(parts => decodeBytes(Buffer.concat(parts)));

const path = fc.oneof(
  fc.constantFrom('/proc/519/task/519/cgroup', '/proc/519/task/528/cgroup', '/proc/519/task/530/cgroup', '/proc/cgroups', String.raw`/sys/fs/cgroup/machine-qemu\x2d1.scope/cpu.max`),
  hostileText.map(text => `/${text}`),
  hostileText.map(text => `/${text}/cgroup`),
);
const content = fc.oneof(fc.constantFrom('', '\n', '0::/a\n', '0::/a', '0::/a\n\n'), hostileText);

/** As printCapture may get it: no name of a user, no remarks, times as exact as they are written. */
export const anySnapshot: fc.Arbitrary<RedactedSnapshot> = fc
  .record({
    files: fc.uniqueArray(fc.tuple(path, content), { maxLength: 8, selector: ([key]) => key }),
    links: fc.uniqueArray(fc.tuple(path, hostileText), { maxLength: 3, selector: ([key]) => key }),
    errors: fc.uniqueArray(fc.tuple(path, fc.constantFrom(...ERRNOS)), { maxLength: 3, selector: ([key]) => key }),
    directories: fc.uniqueArray(path, { maxLength: 3 }),
    startedAt: fc.nat({ max: 4102444800 }).map(seconds => seconds * 1000 + 123),
    took: fc.nat({ max: 100_000 }).map(tenths => tenths / 10),
    uid: fc.option(fc.nat({ max: 65_535 }), { nil: undefined }),
    hides: fc.boolean(),
    complete: fc.boolean(),
  })
  .map(({ files, links, errors, directories, startedAt, took, uid, hides, complete }) => ({
    redacted: true as const,
    files: new Map(files),
    links: new Map(links),
    errors: new Map(errors),
    directories: new Set(directories),
    collection: { startedAt, took, user: uid === undefined ? undefined : { uid, name: String(uid) }, hides, complete, remarks: [] },
  }));
