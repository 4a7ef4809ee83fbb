import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseCapture } from '../../src/core/capture/format';
import { decodeBytes } from '../../src/core/parse/bytes';
import { visible } from '../../src/core/visible';
import { HEALTHY_HOSTS, captureText } from '../unit/fixtures';
import { mutate } from './mutate';

/** `npm run mutate`: each move in each healthy capture, or in the one that is named. */
async function main(): Promise<void> {
  const { capture } = parseArgs({ options: { capture: { type: 'string' } } }).values;
  const texts = capture === undefined ? HEALTHY_HOSTS.map(name => [name, captureText(name)] as const) : [[capture, decodeBytes(readFileSync(capture))] as const];
  const sum = { moves: 0, found: 0, putRight: 0, falseAlarms: 0 };
  for (const [name, text] of texts) {
    const { failures, pinsLost, ...counts } = await mutate(name, parseCapture(text).snapshot);
    for (const failure of failures) process.stdout.write(`${visible(failure)}\n`);
    process.stdout.write(`${name}: ${counts.found} of ${counts.moves} found, ${counts.putRight} of ${counts.moves} put right, ${counts.falseAlarms} false alarms${pinsLost === 0 ? '' : `; ${pinsLost} of these lose the pin of their thread to this kernel`}\n`);
    for (const what of ['moves', 'found', 'putRight', 'falseAlarms'] as const) sum[what] += counts[what];
  }
  const { moves, found, putRight, falseAlarms } = sum;
  process.stdout.write(`mutate: ${found} of ${moves} found, ${putRight} of ${moves} put right, ${falseAlarms} false alarms\n`);
  process.exitCode = moves > 0 && found === moves && putRight === moves && falseAlarms === 0 ? 0 : 1;
}

void main();
