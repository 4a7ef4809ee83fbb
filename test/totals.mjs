// Mocha's spec report, and the totals and what failed as JSON in the file that CGROUP_LENS_TOTALS names, for run.mjs to add up.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

// Mocha loads a reporter by its default export.
export default class Totals extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const pending = [];
    const failed = [];
    runner.on('fail', (test, error) => failed.push({ title: test.fullTitle(), why: String(error?.stack ?? error?.message ?? error) }));
    runner.on('pending', test => pending.push(test.fullTitle()));
    runner.once('end', () => {
      const file = process.env.CGROUP_LENS_TOTALS;
      if (file) writeFileSync(file, JSON.stringify({ passes: runner.stats.passes, failures: runner.stats.failures, pending, failed }));
    });
  }
}
