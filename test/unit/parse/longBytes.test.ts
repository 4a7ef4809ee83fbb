import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeBytes, encodeBytes, shorten } from '../../../src/core/parse/bytes';

describe('long texts of bytes', () => {
  it('are decoded alike wherever a bad byte and the blocks fall', () => {
    const char = fc.constantFrom('a', 'é', '€', '💀', '\ud7ff', '\ue000', '\u{10ffff}');
    fc.assert(
      fc.property(char, fc.nat({ max: 4 }), fc.constantFrom('', 'ff', '80', 'eda080', 'f4908080', 'e08080', 'f0808080', 'c0af', 'f09f92'), (text, lead, bad) => {
        const [before, after] = ['x'.repeat(lead) + text.repeat(9000), text.repeat(9000)];
        const escaped = [...Buffer.from(bad, 'hex')].map(byte => String.fromCharCode(0xdc00 + byte)).join('');
        const bytes = Buffer.concat([Buffer.from(before), Buffer.from(bad, 'hex'), Buffer.from(after)]);
        assert.ok(decodeBytes(bytes) === before + escaped + after);
        assert.ok(encodeBytes(decodeBytes(bytes)).equals(bytes));
      }),
    );
  });

  it('of nothing but bad bytes are decoded', () => {
    const bytes = Buffer.alloc(1_000_000, 0xff);
    assert.ok(decodeBytes(bytes) === '\udcff'.repeat(bytes.length));
    assert.ok(encodeBytes(decodeBytes(bytes)).equals(bytes));
  });

  it('are cut behind 4,096 units, not within a character', () => {
    assert.equal(shorten('n'.repeat(4096)), 'n'.repeat(4096));
    assert.equal(shorten('n'.repeat(4097)), `${'n'.repeat(4095)}…`);
    assert.equal(shorten('💀'.repeat(4096)), `${'💀'.repeat(2047)}…`);
  });
});
