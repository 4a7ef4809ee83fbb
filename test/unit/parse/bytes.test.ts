import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeBytes, encodeBytes } from '../../../src/core/parse/bytes';

describe('bytes of the kernel as text', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    // pieces of UTF-8 next to what breaks it
    fc.array(fc.constantFrom('61', 'c3a9', 'e282ac', 'f09f9280', 'c3', 'e282', 'f09f92', '80', 'ff', 'c080', 'eda080', 'f4908080', '0a', '00'), { maxLength: 12 }).map(parts => Buffer.from(parts.join(''), 'hex')),
  );

  it('come back as they were, whatever they are', () => {
    fc.assert(fc.property(bytes, b => assert.deepEqual(encodeBytes(decodeBytes(b)), Buffer.from(b))), { numRuns: 3000 });
  });

  it('decode to the same text in one piece as when only a part of a larger buffer is looked at', () => {
    fc.assert(
      fc.property(bytes, b => {
        const larger = Buffer.concat([Buffer.from('ÿ'), b, Buffer.from([0xc3])]);
        assert.equal(decodeBytes(larger.subarray(2, 2 + b.length)), decodeBytes(b));
      }),
    );
  });

  const table: Readonly<Record<string, readonly [hex: string, text: string]>> = {
    'plain UTF-8 is what it says': ['c3a9e282ac', 'é€'],
    'a character beyond the first plane stays one pair': ['f09f9280', '💀'],
    'a byte that is no UTF-8 becomes a lone surrogate': ['61ff62', 'a\udcffb'],
    'a character that is cut off in the middle becomes a surrogate a byte, as a thread name of 15 bytes has it': ['61e282', 'a\udce2\udc82'],
    'an overlong NUL is no NUL': ['c080', '\udcc0\udc80'],
    'an encoded surrogate is no surrogate': ['eda080', '\udced\udca0\udc80'],
    'a byte order mark is kept': ['efbbbf61', '\ufeffa'],
  };
  for (const [name, [hex, text]] of Object.entries(table)) {
    it(name, () => assert.equal(decodeBytes(Buffer.from(hex, 'hex')), text));
  }
});
