import assert from 'node:assert/strict';
import { runOracle } from '../oracle/oracle';
import { PREFIX, cleanUp } from './support/cleanUp';

/** `npm run oracle` does the same for as long as one likes, with other seeds, and on other hosts. */
describe('the kernel agrees with what is predicted of it', function () {
  this.timeout(120_000);
  afterEach(cleanUp);

  for (const seed of [1, 20_783]) {
    it(`in 300 random operations (npm run oracle -- --operations 300 --seed ${seed})`, async () => {
      const said: string[] = [];
      const result = await runOracle({ shell: ['sh'], operations: 300, seed, prefix: `${PREFIX}-oracle`, enableControllers: false, signal: new AbortController().signal, report: line => void said.push(line) });
      assert.deepEqual({ operations: result.operations, said }, { operations: 300, said: [] });
      assert.ok(result.seen.size > 40, `only ${result.seen.size} kinds of answers were met`);
      assert.ok(result.meanSize < 1.5, `${result.open} left open, mean size ${result.meanSize}`);
    });
  }
});
