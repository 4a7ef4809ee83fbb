// VS Code's extension host loads this file, calls run() and takes its promise as the verdict.
import { appendFileSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';
import Totals from '../../totals.mjs';

export async function run(): Promise<void> {
  const report = process.env['CGROUP_LENS_REPORT'];
  if (report) Mocha.reporters.Base.consoleLog = (...args: unknown[]) => appendFileSync(report, `${format(...args)}\n`);
  const mocha = new Mocha({ ui: 'bdd', timeout: 20_000, forbidOnly: true, color: false, reporter: Totals });
  for (const file of readdirSync(__dirname)) if (file.endsWith('.test.js')) mocha.addFile(path.join(__dirname, file));
  const failures = await new Promise<number>(resolve => { mocha.run(resolve); });
  if (failures) throw new Error(`${failures} failed`);
}
