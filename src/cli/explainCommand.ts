import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ALL_RULES } from '../core/rules/allRules';
import { NOT_RULES } from '../core/rules/notRules';
import { say } from './terminal';

/** The page of a rule, as it is shipped beside the command line; `undefined` where it is not. */
export async function pageOf(id: string, folder = join(__dirname, 'rules')): Promise<string | undefined> {
  return readFile(join(folder, `${id}.md`), 'utf8').catch(() => undefined);
}

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
  const page = await pageOf(id);
  if (page === undefined) {
    say(`the page of ${id} is not here: it is shipped beside this program, in ${join(__dirname, 'rules')}`);
    return 1;
  }
  process.stdout.write(page);
  return 0;
}
