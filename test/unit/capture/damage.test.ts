import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type CaptureProblem, parseCapture, printCapture } from '../../../src/core/capture/format';
import type { RedactedSnapshot } from '../../../src/core/capture/redact';
import { CaptureError } from '../../../src/core/errors';
import { decodeBytes, encodeBytes } from '../../../src/core/parse/bytes';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import { emptySnapshot, snapshot as hostSnapshot } from '../fixtures';
import { anySnapshot } from './snapshots';

/** Every entry of a snapshot as one comparable text. */
function entriesOf({ files, links, errors, directories }: RawSnapshot): Set<string> {
  return new Set([
    ...[...files].map(entry => JSON.stringify(['file', ...entry])),
    ...[...links].map(entry => JSON.stringify(['link', ...entry])),
    ...[...errors].map(entry => JSON.stringify(['error', ...entry])),
    ...[...directories].map(entry => JSON.stringify(['dir', entry])),
  ]);
}

/** The lines of a printed capture, those of one entry together; the head and the end are blocks too. */
function blocksOf(text: string): string[][] {
  const blocks: string[][] = [[]];
  for (const line of text.split('\n').slice(0, -1)) {
    if (/^(text|part|same|link|dir|error|end) /.test(line)) blocks.push([]);
    blocks.at(-1)!.push(line);
  }
  return blocks;
}

function opened(text: string): { snapshot: RawSnapshot; problems: readonly CaptureProblem[] } | CaptureError {
  let result: ReturnType<typeof parseCapture>;
  try {
    result = parseCapture(text);
  } catch (error) {
    if (CaptureError.is(error)) return error;
    throw error;
  }
  const lines = text.split('\n').length;
  for (const { line, expected, found } of result.problems) {
    assert.ok(Number.isInteger(line) && line >= 1 && line <= lines, `line ${line} of ${lines}`);
    assert.ok(expected.length > 0 && found.length <= 80);
  }
  assert.equal(result.snapshot.collection.complete && result.problems.length > 0, false, 'damaged, yet complete');
  return result;
}

/** A little of everything. */
function small(): RedactedSnapshot {
  const snapshot = { ...emptySnapshot(), redacted: true as const };
  snapshot.files.set('/proc/1/task/1/cgroup', '0::/größe/a%\n');
  snapshot.files.set('/proc/1/task/2/cgroup', '0::/größe/a%\n');
  snapshot.files.set('/proc/1/task/1/stat', '1 (a\nb\udcff) S\n');
  snapshot.files.set('/proc/1/cmdline', 'kvm\0-S\0');
  snapshot.files.set('/sys/fs/cgroup/cgroup.subtree_control', '');
  snapshot.links.set('/proc/1/exe', '/usr/bin/kvm');
  for (const directory of ['/sys/fs/cgroup', '/sys/fs/cgroup/größe']) snapshot.directories.add(directory);
  snapshot.errors.set('/proc/2/stat', 'EACCES');
  return snapshot;
}

describe('a damaged capture', () => {
  const text = printCapture(small());
  const bytes = encodeBytes(text);
  const all = entriesOf(small());

  it('that was cut off anywhere has every entry that is whole, none that is not, and names the line', () => {
    const ends: number[] = [];
    let end = 0;
    for (const block of blocksOf(text)) ends.push((end += encodeBytes(`${block.join('\n')}\n`).length));
    for (let length = 0; length < bytes.length - 1; length++) {
      const result = opened(decodeBytes(bytes.subarray(0, length)));
      const whole = ends.slice(1, -1).filter(at => at <= length).length;
      if (result instanceof CaptureError) {
        assert.equal(whole, 0, `${length} bytes`);
        continue;
      }
      const entries = entriesOf(result.snapshot);
      for (const entry of entries) assert.ok(all.has(entry), `${length} bytes: ${entry}`);
      assert.equal(entries.size, whole, `${length} bytes`);
      assert.ok(result.problems.length > 0, `${length} bytes`);
    }
  });

  it('without its last newline, as editors save it, is whole', () => {
    const result = opened(text.slice(0, -1));
    assert.ok(!(result instanceof CaptureError));
    assert.deepEqual(result.problems, []);
    assert.deepEqual(entriesOf(result.snapshot), all);
  });

  it('of which whole entries were put into another order is whole', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(blocksOf(text).slice(1, -1), { minLength: all.size }), shuffled => {
        const [head, ...rest] = blocksOf(text);
        const result = opened(`${[head!, ...shuffled, rest.at(-1)!].flat().join('\n')}\n`);
        assert.ok(!(result instanceof CaptureError));
        assert.deepEqual(result.problems, []);
        assert.deepEqual(entriesOf(result.snapshot), all);
      }),
    );
  });

  it('of which lines were deleted has every entry whose lines are all there, and says so', () => {
    fc.assert(
      fc.property(anySnapshot, fc.infiniteStream(fc.nat({ max: 5 })), (snapshot, dice) => {
        const blocks = blocksOf(printCapture(snapshot));
        const isHeader = (line: string): boolean => !line.startsWith('\t') && line !== '';
        const kept: string[] = [];
        const intact = new Set<string>();
        let headerLost = false;
        for (const [n, block] of blocks.entries()) {
          const left = block.filter((_, i) => (n === 0 && i === 0) || dice.next().value !== 0);
          kept.push(...left);
          if (n > 0 && left.length === block.length) intact.add(unescapedHeader(block[0]!));
          if (n > 0 && left.filter(isHeader).length < block.filter(isHeader).length) headerLost = true;
        }
        const result = opened(`${kept.join('\n')}\n`);
        if (result instanceof CaptureError) return;
        if (headerLost) assert.ok(result.problems.length > 0);
        const back = entriesOf(result.snapshot);
        for (const entry of entriesOf(snapshot)) {
          const [kind, path, errno] = JSON.parse(entry) as [string, string, string];
          const headers = kind === 'file' ? [`text ${path}`, `part ${path}`] : [kind === 'error' ? `error ${errno} ${path}` : `${kind} ${path}`];
          if (headers.some(header => intact.has(header))) assert.ok(back.has(entry), entry);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('of which lines were shuffled, doubled, cut or replaced is opened or refused, nothing else', () => {
    const lines = printCapture(small()).split('\n');
    const odd = fc.constantFrom('', '\t', '\tx', 'text', 'text ', 'same /x', '\t/x', 'dir', 'error', 'error ENOENT', 'error EFOO /x', 'end', 'end -1', 'end x', 'started', 'started never', 'took', 'took -1', 'uid x', 'complete', 'complete maybe', 'cgroup-lens capture 1', 'later /x', '%', '%4', ' ');
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...lines) }, { weight: 1, arbitrary: odd }), { maxLength: 40 }), fc.boolean(), (mixed, begins) => {
        opened([...(begins ? ['cgroup-lens capture 1'] : []), ...mixed].join('\n'));
      }),
      { numRuns: 3000 },
    );
  });

  const damages: Readonly<Record<string, readonly [damage: (lines: string[]) => void, line: number, expected: RegExp]>> = {
    'an entry of a kind that a later version may have': [lines => lines.splice(5, 0, 'xattr /a'), 6, /text, part/],
    'content without its entry': [lines => lines.splice(5, 1), 6, /text, part/],
    'an entry without its empty line': [lines => lines.splice(7, 1), 6, /empty line/],
    'an errno that there is not': [lines => lines.splice(lines.length - 3, 1, 'error EFOO /x'), 27, /ENOENT/],
    'a number of entries that is not that of the end': [lines => lines.splice(lines.length - 4, 1), 27, /^end 8$/],
    'no end': [lines => lines.splice(lines.length - 2, 1), 28, /^end$/],
    'a time that is none': [lines => lines.splice(1, 1, 'started soon'), 2, /a time/],
    'a number that is none': [lines => lines.splice(2, 1, 'took long'), 3, /a number/],
    'a file that is the same as one that is not there': [lines => lines.splice(5, 3), 6, /an entry "text \/proc\/1\/task\/1\/cgroup"/],
  };
  for (const [name, [damage, line, expected]] of Object.entries(damages)) {
    it(`names line ${line} of ${name}, and is shown without it`, () => {
      const lines = text.split('\n');
      damage(lines);
      const result = opened(lines.join('\n'));
      assert.ok(!(result instanceof CaptureError));
      const problem = result.problems[0]!;
      assert.equal(problem.line, line, JSON.stringify(result.problems));
      assert.match(problem.expected, expected);
      assert.equal(result.snapshot.collection.complete, false);
      assert.ok(entriesOf(result.snapshot).size >= all.size - 2);
    });
  }

  it('of a real host loses nothing else by one hole in it', () => {
    const whole = hostSnapshot('guest-v2');
    const lines = printCapture({ ...whole, redacted: true }).split('\n');
    const hole = lines.indexOf('text /proc/519/task/528/stat');
    const result = opened([...lines.slice(0, hole), ...lines.slice(hole + 2)].join('\n'));
    assert.ok(!(result instanceof CaptureError));
    whole.files.delete('/proc/519/task/528/stat');
    assert.deepEqual(entriesOf(result.snapshot), entriesOf(whole));
    assert.deepEqual(result.problems.map(p => p.expected), ['end ' + entriesOf(whole).size]);
  });
});

/** `text /a%0A` → `text /a\n`. */
function unescapedHeader(header: string): string {
  return header.replace(/(?:%[0-9A-F]{2})+/g, run => decodeBytes(Buffer.from(run.replaceAll('%', ''), 'hex')));
}
