import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseCapture, printCapture } from '../../../src/core/capture/format';
import { redact } from '../../../src/core/capture/redact';
import { CaptureError } from '../../../src/core/errors';
import { decodeBytes, encodeBytes } from '../../../src/core/parse/bytes';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import { ALL_HOSTS, captureText, emptySnapshot } from '../fixtures';
import { anySnapshot, hostileText } from './snapshots';

/** Through the bytes of a file, as it is saved and opened. */
function reopened(text: string): ReturnType<typeof parseCapture> {
  return parseCapture(decodeBytes(encodeBytes(text)));
}

function plain({ files, links, errors, directories, collection }: RawSnapshot): RawSnapshot {
  return { files, links, errors, directories, collection };
}

describe('a capture', () => {
  it('gives back the snapshot that was printed, whatever is in it', () => {
    fc.assert(
      fc.property(anySnapshot, fc.array(hostileText, { maxLength: 3 }), (snapshot, comments) => {
        fc.pre(snapshot.files.size + snapshot.links.size + snapshot.errors.size + snapshot.directories.size > 0);
        const { snapshot: back, problems } = reopened(printCapture(snapshot, comments));
        assert.deepEqual(problems, []);
        assert.deepEqual(back, plain(snapshot));
      }),
      { numRuns: 3000 },
    );
  });

  it('holds no control character, broken byte or mark that turns the text, and ends with a newline', () => {
    fc.assert(
      fc.property(anySnapshot, snapshot => {
        const text = printCapture(snapshot);
        assert.doesNotMatch(text, /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udfff]/u);
        assert.doesNotMatch(text, /[^\n]\t/); // a tab begins a line
        assert.match(text, /\nend \d+\n$/);
      }),
    );
  });

  for (const name of ALL_HOSTS) {
    it(`of ${name} is printed again as it is, but for its comments`, () => {
      const { snapshot, problems } = parseCapture(captureText(name));
      assert.deepEqual(problems, []);
      assert.equal(snapshot.collection.complete, true);
      const body = (text: string): string => text.replace(/^# .*\n/gm, '');
      assert.equal(body(printCapture(redact(snapshot).snapshot)), body(captureText(name)));
    });
  }

  it('writes characters readably and bytes that are none by their number', () => {
    const snapshot = { ...emptySnapshot(), redacted: true as const };
    snapshot.files.set('/proc/519/task/519/cgroup', '0::/größe 💀/100%/a\rb\tc\u009bd\udcff\n');
    assert.equal(
      printCapture(snapshot, ['a comment\nof two lines']),
      [
        'cgroup-lens capture 1',
        '# a comment%0Aof two lines',
        'started 2026-11-22T00:00:00.000Z',
        'took 12.5',
        'complete yes',
        '',
        'text /proc/519/task/519/cgroup',
        '\t0::/größe 💀/100%25/a%0Db%09c%C2%9Bd%FF',
        '',
        'end 1',
        '',
      ].join('\n'),
    );
  });

  it('says a membership once and refers to it', () => {
    const snapshot = { ...emptySnapshot(), redacted: true as const };
    for (const tid of [1, 2, 3]) snapshot.files.set(`/proc/1/task/${tid}/cgroup`, '0::/a\n');
    const text = printCapture(snapshot);
    assert.equal(text.match(/0::\/a/g)?.length, 1);
    assert.deepEqual([...reopened(text).snapshot.files], [...snapshot.files]);
  });

  it('may name the file that another is the same as after that other', () => {
    const text = 'cgroup-lens capture 1\nsame /b/cgroup\n\t/a/cgroup\n\ntext /a/cgroup\n\t0::/\n\nend 2\n';
    const { snapshot, problems } = parseCapture(text);
    assert.deepEqual(problems, []);
    assert.equal(snapshot.files.get('/b/cgroup'), '0::/\n');
  });

  it('may have got other line ends and a byte order mark from an editor', () => {
    const text = captureText('guest-v2');
    assert.deepEqual(parseCapture(`\ufeff${text.replaceAll('\n', '\r\n')}`), parseCapture(text));
  });
});

describe('a text that cannot be opened as a capture', () => {
  const errorOf = (text: string): CaptureError => {
    try {
      parseCapture(text);
    } catch (error) {
      if (CaptureError.is(error)) return error;
      throw error;
    }
    throw new Error('was opened');
  };
  const refused: Readonly<Record<string, readonly [text: string, reason: string, line: number]>> = {
    'an empty file': ['', 'not-a-capture', 1],
    'another text': ['hello\nworld\n', 'not-a-capture', 1],
    'a first line with more behind it': ['cgroup-lens capture 1 x\n', 'not-a-capture', 1],
    'a newer version': ['cgroup-lens capture 2\ntext /a\n\tb\n\nend 1\n', 'newer-version', 1],
    'a much newer version': ['cgroup-lens capture 99999999999999999999\n', 'newer-version', 1],
    'only a first line': ['cgroup-lens capture 1\n', 'empty', 2],
    'a head without an entry': ['cgroup-lens capture 1\nuid 0\ncomplete yes\n\nend 0\n', 'empty', 6],
    'nothing but what is not understood': ['cgroup-lens capture 1\nnew /a\n', 'empty', 3],
  };
  for (const [name, [text, reason, line]] of Object.entries(refused)) {
    it(`is refused with its reason and line: ${name}`, () => {
      const error = errorOf(text);
      assert.equal(error.reason, reason);
      assert.equal(error.details.line, line);
      assert.equal(error.details.found, text.split('\n')[line - 1]!.slice(0, 80));
    });
  }

  it('tells at most 80 characters of a line that is none', () => assert.equal(errorOf('x'.repeat(100_000)).details.found.length, 80));
});
