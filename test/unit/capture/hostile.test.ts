import assert from 'node:assert/strict';
import { CaptureSource } from '../../../src/core/capture/captureSource';
import { parseCapture, printCapture } from '../../../src/core/capture/format';
import { CaptureError, CollectError } from '../../../src/core/errors';
import { describeError } from '../../../src/core/messages';
import { captureText } from '../fixtures';

const HEAD = 'cgroup-lens capture 1\n';
const source = (bytes: Uint8Array): CaptureSource => new CaptureSource('id', 'a.capture', () => Promise.resolve(bytes));
const failure = (bytes: Uint8Array, signal?: AbortSignal): Promise<unknown> => source(bytes).collect(signal).then(() => undefined, (error: unknown) => error);

describe('a file that a stranger sent', () => {
  it('is refused by its first bytes when it is no capture', async () => {
    const large = Buffer.alloc(65 * 1024 * 1024);
    for (const bytes of [Buffer.from(''), Buffer.from('é'.repeat(1000)), Buffer.alloc(1000, 0xff), large]) {
      const error = await failure(bytes);
      assert.ok(CaptureError.is(error, 'not-a-capture'));
      assert.equal(error.details.found.length, Math.min(80, bytes.length));
      assert.equal(error.details.file, 'a.capture');
    }
  });

  it('is refused when it is larger than any host makes one, and says so', async () => {
    const error = await failure(Buffer.concat([Buffer.from(HEAD), Buffer.alloc(64 * 1024 * 1024)]));
    assert.ok(CaptureError.is(error, 'too-large'));
    assert.equal(describeError(error), 'a.capture is too large for a capture: it has 65 MiB, and the most that is opened are 64 MiB.');
  });

  it('is opened with a byte order mark', async () => {
    assert.ok((await source(Buffer.from(`\ufeff${captureText('guest-v2')}`)).collect()).files.size > 0);
  });

  it('is told of by its first 1,000 problems and the number of all others', () => {
    const { snapshot, problems } = parseCapture(`${HEAD}dir /a\n${'x\n'.repeat(5000)}end 1\n`);
    assert.equal(problems.length, 1001);
    assert.deepEqual(problems.at(-1), { line: 5004, expected: 'a capture without damage', found: '4000 more problems' });
    assert.equal(snapshot.collection.complete, false);
  });

  it('may have numbers that are none: they are problems', () => {
    for (const line of [`took ${'9'.repeat(400)}`, 'took 99999999999999999999', `took ${Number.MAX_SAFE_INTEGER}`, 'took 31536000001', 'started 9999-01-01T00:00:00.000Z', 'started +010000-01-01T00:00:00.000Z', 'started +275760-09-13T00:00:00.000Z', 'started 1969-12-31T23:59:59.999Z', 'started -000001-01-01T00:00:00.000Z', `uid ${'9'.repeat(400)}`, 'uid 1.5', 'uid 99999999999999999999']) {
      const { snapshot, problems } = parseCapture(`${HEAD}${line}\ndir /a\nend 1\n`);
      assert.deepEqual(problems.map(p => p.line), [2], line);
      assert.deepEqual([snapshot.collection.startedAt, snapshot.collection.took, snapshot.collection.user], [0, 0, undefined]);
      assert.doesNotMatch(printCapture({ ...snapshot, redacted: true }), /Infinity|NaN/);
    }
  });

  it('may write every byte by its number', () => {
    const text = 'é%\xff'.repeat(10_000);
    const run = [...Buffer.from(text)].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
    assert.equal(parseCapture(`${HEAD}part /a\n\t${run}\n\nend 1\n`).snapshot.files.get('/a'), text);
  });
});

describe('files of a capture that are the same', () => {
  const same = (path: string, as: string): string => `same ${path}\n\t${as}\n\n`;
  const TEXT = 'text /c\n\t0::/\n\n';

  it('may be so by way of others, in any order', () => {
    const entries = [same('/a', '/b'), same('/b', '/c'), TEXT];
    for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
      const { snapshot, problems } = parseCapture(`${HEAD}${order.map(i => entries[i]!).join('')}end 3\n`);
      assert.deepEqual(problems, []);
      assert.deepEqual(['/a', '/b', '/c'].map(path => snapshot.files.get(path)), Array(3).fill('0::/\n'));
    }
  });

  it('are problems where they lead in a circle, to nothing, or into either', () => {
    const text = HEAD + same('/in', '/a') + same('/a', '/b') + same('/b', '/a') + same('/late', '/b') + same('/self', '/self') + same('/x', '/none') + same('/y', '/x') + TEXT + 'end 8\n';
    const { snapshot, problems } = parseCapture(text);
    assert.deepEqual(problems.map(p => p.line), [2, 5, 8, 11, 14, 17, 20]);
    assert.deepEqual([...snapshot.files.keys()], ['/c']);
  });

  it('may be a chain of 100,000', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => same(`/${i}`, `/${i + 1}`)).join('');
    const { snapshot, problems } = parseCapture(`${HEAD}${chain}text /100000\n\t0::/\n\nend 100001\n`);
    assert.deepEqual(problems, []);
    assert.equal(snapshot.files.get('/0'), '0::/\n');
  });
});

describe('opening a capture', () => {
  const isCancelled = (error: unknown): boolean => CollectError.is(error, 'cancelled') && error.details.host === 'a.capture';

  it('can be cancelled while the read hangs', async () => {
    const abort = new AbortController();
    const collecting = new CaptureSource('id', 'a.capture', () => new Promise(() => undefined)).collect(abort.signal);
    setImmediate(() => abort.abort());
    await assert.rejects(collecting, isCancelled);
  });

  it('is not begun when it was cancelled before', async () => {
    assert.ok(isCancelled(await failure(Buffer.from('x'), AbortSignal.abort())));
  });

  it('can be cancelled while it is understood', async () => {
    const abort = new AbortController();
    const large = Buffer.from(HEAD + 'dir /a\n'.repeat(2_000_000));
    const collecting = failure(large, abort.signal);
    setImmediate(() => abort.abort());
    assert.ok(isCancelled(await collecting));
  });
});
