// Mocha's spec report, and the totals as JSON in the file that CGROUP_LENS_TOTALS names, for run.mjs to add up.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

// Mocha loads a reporter by its default export.
export default class Totals extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const pending = [];
    runner.on('pending', test => pending.push(test.fullTitle()));
    runner.once('end', () => {
      const file = process.env.CGROUP_LENS_TOTALS;
      if (file) writeFileSync(file, JSON.stringify({ passes: runner.stats.passes, failures: runner.stats.failures, pending }));
    });
  }
}
