import assert from 'node:assert/strict';
import { HELP, type Values, parseArguments } from '../../../src/cli/arguments';

function parsed(...args: string[]): Values {
  const result = parseArguments(args);
  assert.ok(typeof result !== 'string', String(result));
  return result.values;
}

describe('the arguments of the command line', () => {
  for (const [command, ...words] of [['report'], ['collect'], ['plan', 'serial'], ['apply', 'serial'], ['undo'], ['undo', 'abc'], ['history']]) {
    it(`${command} ${words.join(' ')}: of another host too`, () => {
      const { host, 'ssh-config': file, 'as-root': asRoot } = parsed(command!, ...words, '--host', 'web1', '--ssh-config', '/x', '--as-root');
      assert.deepEqual([host, file, asRoot], ['web1', '/x', true]);
    });
  }

  for (const host of ['web1', 'op@web1', 'op@web1:2222', 'op@[fe80::1%eth0]:22', '::1', 'a.b-c_d']) {
    it(`a host: ${host}`, () => assert.equal(parsed('report', '--host', host).host, host));
  }

  const refused: Readonly<Record<string, readonly [args: readonly string[], said: string | RegExp]>> = {
    'no host at all': [['report', '--host'], /^Option '--host <value>' argument missing/],
    'an empty name': [['report', '--host', ''], '--host takes a Host of ssh_config or user@host:port, and not ""'],
    'an option in its place': [['report', '--host=-oProxyCommand=x'], /^--host takes a Host .* and not "-oProxyCommand=x"$/],
    'an option as its next word': [['report', '--host', '-oProxyCommand=x'], "Option '--host' argument is ambiguous"],
    'a name that a terminal would obey': [['report', '--host', 'a\x1b[2J'], /and not "a\\u\{1b\}\[2J"$/],
    'a pattern': [['report', '--host', 'web*'], /^--host takes a Host/],
    'ssh_config of this host': [['report', '--ssh-config', '/x'], '--ssh-config is about another host: name it with --host'],
    'root on this host': [['apply', 'serial', '--as-root'], '--as-root is about another host: name it with --host'],
    'a capture on another host': [['report', '--capture', 'x', '--host', 'web1'], '--capture is read here: it does not go with --host'],
    'two captures, of which one would be forgotten': [['check', '--capture', 'x', '--capture=y'], 'check looks at one capture at a time: name one --capture'],
    'two machines': [['check', '--machine', 'a', '--machine', 'b'], 'check looks at one machine at a time: name one --machine'],
    'a capture that is changed': [['apply', 'serial', '--capture', 'x'], '--capture does not go with apply'],
    'an option of another command': [['history', '--host', 'web1', '--yes'], '--yes does not go with history'],
    'no such command': [['repotr'], 'unknown command: repotr'],
    'one of every object': [['constructor'], 'unknown command: constructor'],
    'no machine': [['apply', '--host', 'web1'], 'apply needs the name of a machine'],
    'a word too many': [['report', 'web1'], 'unexpected argument: web1'],
    'a path for QEMU': [['report', '--qemu', '/usr/bin/x'], /^--qemu takes the name of a program/],
  };
  for (const [name, [args, said]] of Object.entries(refused)) {
    it(`refused: ${name}`, () => {
      const result = parseArguments(args);
      if (typeof said === 'string') assert.equal(result, said);
      else assert.match(String(result), said);
    });
  }

  it('none, or --help with whatever else: the help, which tells of each option', () => {
    for (const args of [[], ['--help'], ['nonsense', '--help', '--as-root']]) assert.ok(typeof parseArguments(args) !== 'string');
    for (const option of ['--host NAME', '--ssh-config FILE', '--as-root']) assert.ok(HELP.includes(`  ${option} `), option);
    for (const words of ['compare A B [--json]', 'with each of them but explain:']) assert.ok(HELP.includes(words), words);
    assert.deepEqual(HELP.split('\n').filter(line => line.length > 120), []);
  });
});
