import assert from 'node:assert/strict'; it('runs', () => assert.ok(true));
