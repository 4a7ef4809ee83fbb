import assert from 'node:assert/strict';
import fc from 'fast-check';

it('properties are tried with the same values in every run', () => assert.equal(typeof fc.readConfigureGlobal().seed, 'number'));
