import assert from 'node:assert/strict';
import { collectCommand } from '../../../src/core/collect/script';
import { tasksQuestion } from '../../../src/core/collect/tasks';
import { SHELL_LIBRARY } from '../../../src/core/plan/shellLibrary';

/** Busybox takes a backslash within brackets for one of the set: `[^\/]` would be anything but a slash or a backslash. */
const ESCAPED_IN_BRACKETS = /\[[^\]\n"' ]*\\\//;

/** With a backslash, as each awk reads them: an escaped match, a backslash alone. */
const READ_BY_ALL = new Set([String.raw`\\&`, '\\']);

describe('the awk programs hold nothing that one awk reads in its own way', () => {
  const scripts = {
    'the collection': collectCommand({ qemuExecutables: ['qemu-system-*'], asRoot: false, allCgroups: true }, true).prelude,
    'all tasks': tasksQuestion.command({ watched: true, asRoot: false }).prelude,
    'the library of plans': SHELL_LIBRARY,
  };
  for (const [name, script] of Object.entries(scripts)) {
    it(`${name}: no slash that is escaped within brackets`, () => assert.doesNotMatch(script, ESCAPED_IN_BRACKETS));
    // Before another character it is kept by most and dropped by busybox 1.37: in a quoted name what follows would be a command.
    it(`${name}: no backslash in what sub and gsub put in place of a match`, () => assert.deepEqual(replacements(script).filter(text => text.includes('\\') && !READ_BY_ALL.has(text)), []));
  }

  it('one would be seen', () => {
    for (const program of [String.raw`sub(/\/[^\/]*$/, "", p)`, String.raw`gsub(/[^A-Za-z0-9_.\/-]/, "_", f)`]) assert.match(program, ESCAPED_IN_BRACKETS);
    assert.deepEqual(replacements(String.raw`gsub(/\047/, "\047\\\047\047", d); sub("[/]", "\"", e)`), [String.raw`'\''`, '"']);
  });
});

/** The second argument of each `sub` and `gsub`, as the text that it stands for. */
function replacements(script: string): string[] {
  const calls = script.matchAll(/\bg?sub\((?:\/(?:[^\/\\\n]|\\.)*\/|"(?:[^"\\\n]|\\.)*"), "((?:[^"\\\n]|\\.)*)"/g);
  return [...calls].map(([, text]) => text!.replace(/\\([0-7]{3}|.)/g, (_, escaped: string) => (escaped.length === 3 ? String.fromCharCode(parseInt(escaped, 8)) : escaped)));
}
