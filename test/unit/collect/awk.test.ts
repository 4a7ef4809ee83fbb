import assert from 'node:assert/strict';
import { collectCommand } from '../../../src/core/collect/script';
import { tasksQuestion } from '../../../src/core/collect/tasks';
import { SHELL_LIBRARY } from '../../../src/core/plan/shellLibrary';

/** In a bracket expression busybox takes a backslash for one of the set: `[^\/]` would be anything but a slash or a backslash. */
const ESCAPED_IN_BRACKETS = /\[[^\]\n"' ]*\\\//;

describe('an awk program holds no slash that is escaped within brackets', () => {
  const scripts = {
    'the collection': collectCommand({ qemuExecutables: ['qemu-system-*'], asRoot: false, allCgroups: true }, true).prelude,
    'all tasks': tasksQuestion.command({ watched: true, asRoot: false }).prelude,
    'the library of plans': SHELL_LIBRARY,
  };
  for (const [name, script] of Object.entries(scripts)) it(name, () => assert.doesNotMatch(script, ESCAPED_IN_BRACKETS));
  it('one would be seen', () => {
    for (const program of [String.raw`sub(/\/[^\/]*$/, "", p)`, String.raw`gsub(/[^A-Za-z0-9_.\/-]/, "_", f)`]) assert.match(program, ESCAPED_IN_BRACKETS);
  });
});
