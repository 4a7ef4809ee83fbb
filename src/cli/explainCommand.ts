import { join } from 'node:path';
import { ALL_RULES } from '../core/rules/allRules';
import { NOT_RULES } from '../core/rules/notRules';
import { shippedWith } from './shipped';
import { say } from './terminal';

/** A rule's page; without an id, which there are. */
export async function explainCommand(id: string | undefined): Promise<number> {
  if (id === undefined) {
    const width = Math.max(...ALL_RULES.map(rule => rule.id.length));
    const found = ALL_RULES.map(rule => `${rule.id.padEnd(width)}   ${rule.title()}\n`).join('');
    const notFound = [...NOT_RULES.keys()].map(name => `${name}\n`).join('');
    process.stdout.write(`${found}\nWhat no host shows, and so is not found; explain ID says why:\n\n${notFound}`);
    return 0;
  }
  const why = NOT_RULES.get(id)?.();
  if (why !== undefined) {
    process.stdout.write(`${id} is not found: ${why}\n`);
    return 0;
  }
  if (!ALL_RULES.some(rule => rule.id === id)) {
    say(`there is no rule "${id}"; see: cgroup-lens explain`);
    return 2;
  }
  const page = await shippedWith().page(id);
  if (page === undefined) {
    say(`the page of ${id} is not here: it is shipped beside this program, in ${join(__dirname, 'rules')}`);
    return 1;
  }
  process.stdout.write(page);
  return 0;
}
