import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALL_HOSTS, HOSTS, modelOf } from '../fixtures';
import { modelText } from './modelText';

/** `UPDATE_GOLDENS=1` writes them anew: the diff is to be reviewed. */
const update = process.env['UPDATE_GOLDENS'] === '1';

describe('the model of a recorded host', () => {
  for (const name of ALL_HOSTS) {
    it(`is the reviewed one: ${name}`, async () => {
      const { model, problems } = await modelOf(name);
      const text = modelText(model, problems);
      const golden = join(HOSTS, `${name}.model.txt`);
      if (update) writeFileSync(golden, text);
      assert.equal(text, readFileSync(golden, 'utf8'), 'run with UPDATE_GOLDENS=1 and review the diff');
    });
  }
});
