import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Pending } from '../../../src/core/collect/pending';

describe('what came and cannot be decoded yet', () => {
  it('is given when a line has ended, and not before', () => {
    const pending = new Pending();
    assert.equal(pending.add(Buffer.from('ab')), undefined);
    assert.equal(pending.add(Buffer.from('c\nd'))?.toString(), 'abc\nd');
    pending.keep(Buffer.from('d'));
    assert.equal(pending.add(Buffer.from('\n'))?.toString(), 'd\n');
  });

  it('is given when as much is there as is wanted, lines or not', () => {
    const pending = new Pending();
    pending.keep(Buffer.from('=f 5'), 10);
    for (const part of ['\n', 'ab', '\n\n']) assert.equal(pending.add(Buffer.from(part)), undefined);
    assert.equal(pending.add(Buffer.from('x'))?.toString(), '=f 5\nab\n\nx');
  });

  it('is too long where a line does not end', () => {
    const pending = new Pending();
    pending.add(Buffer.alloc(1 << 16, 'x'));
    assert.equal(pending.isTooLong, false);
    pending.add(Buffer.from('x'));
    assert.equal(pending.isTooLong, true);
  });

  it('comes back whole, whatever it is cut into', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 3000 }), parts => {
        const pending = new Pending();
        const whole = parts.join('');
        pending.keep(Buffer.alloc(0), Buffer.byteLength(whole) + 1);
        for (const part of parts) assert.equal(pending.add(Buffer.from(part)), undefined);
        assert.equal(pending.add(Buffer.from('.'))?.toString(), `${whole}.`);
      }),
      { numRuns: 50 },
    );
  });
});
