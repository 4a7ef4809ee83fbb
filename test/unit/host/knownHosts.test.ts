import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkHostKey, fingerprint, keyType, knownHostsLine, knownHostsName, knownKeyTypes } from '../../../src/core/host/knownHosts';
import { matchesPattern } from '../../../src/core/host/sshPatterns';

/** A blob as RFC 4253, 6.6 has it: what stands behind the type is not looked at. */
function blob(type: string, rest: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type + rest)]);
}

const KEY = blob('ssh-ed25519', 'the key that is presented');
const OTHER = blob('ssh-ed25519', 'another');
const RSA = blob('ssh-rsa', 'of another type');
const line = (key: Buffer): string => `${keyType(key)} ${key.toString('base64')}`;
// A salt of the bytes 0 to 19; what stands behind it is the HMAC-SHA1 of `web1`.
const HASHED = '|1|AAECAwQFBgcICQoLDA0ODxAREhM=|';

/** `known`, `changed`, `revoked LINE`, `unknown`, `unknown, CA LINE`: of the file `f`. */
function verdict(name: string, text: string): string {
  const found = checkHostKey([{ path: 'f', text }], name, KEY);
  switch (found.kind) {
    case 'revoked':
      return `revoked ${found.line}`;
    case 'unknown':
      return found.certAuthority === undefined ? 'unknown' : `unknown, CA ${found.certAuthority}`;
    default:
      return found.kind;
  }
}

describe('known_hosts', () => {
  const table: Readonly<Record<string, readonly [name: string, text: string, expected: string]>> = {
    'an empty file knows nobody': ['web1', '', 'unknown'],
    'a plain line': ['web1', `web1 ${line(KEY)}\n`, 'known'],
    'the last line without its end': ['web1', `web2 ${line(OTHER)}\nweb1 ${line(KEY)}`, 'known'],
    'tabs, spaces in front, a comment behind, an end as Windows writes it': ['web1', `\t web1\t${line(KEY)} root@web1 # x\r\n`, 'known'],
    'a key right before the end of a line of Windows': ['web1', `web1 ${line(KEY)}\r\n`, 'known'],
    'one of a list': ['web1', `web2,web1,10.0.0.1 ${line(KEY)}`, 'known'],
    'upper case in the file': ['web1', `WEB1 ${line(KEY)}`, 'known'],
    'upper case in the name, for a hashed one too': ['Web1', `${HASHED}kbguOtKYPIB/ZYy8dnyA/wCUN34= ${line(KEY)}`, 'known'],
    'the Kelvin sign is no k': ['k', `\u212a ${line(KEY)}`, 'unknown'],
    'another host': ['web1', `web2 ${line(KEY)}`, 'unknown'],
    'a host whose name begins the same': ['web1', `web ${line(KEY)}\nweb11 ${line(KEY)}`, 'unknown'],
    'another key of the same type': ['web1', `web1 ${line(OTHER)}`, 'changed'],
    'another key of another type: nobody can know whether it is the host\'s': ['web1', `web1 ${line(RSA)}`, 'changed'],
    'this key among others': ['web1', `web1 ${line(RSA)}\nweb1 ${line(OTHER)}\nweb1 ${line(KEY)}`, 'known'],
    'a * for any part of a name': ['db.example.com', `*.example.com ${line(KEY)}`, 'known'],
    'a * is no name without that part': ['example.com', `*.example.com ${line(KEY)}`, 'unknown'],
    'a ? for one character': ['web1', `web? ${line(KEY)}`, 'known'],
    'a ? is never no character': ['web', `web? ${line(KEY)}`, 'unknown'],
    'a dot is a dot': ['webx1', `web.1 ${line(KEY)}`, 'unknown'],
    'negation wins over what stands before it': ['web1', `web*,!web1 ${line(KEY)}`, 'unknown'],
    'negation wins over what stands behind it': ['web1', `!web1,web* ${line(KEY)}`, 'unknown'],
    'negation alone matches nobody': ['web2', `!web1 ${line(KEY)}`, 'unknown'],
    'a pattern longer than ssh takes spoils its list': ['web1', `web1,${'x'.repeat(1023)} ${line(KEY)}`, 'unknown'],
    'a name with a port': ['[web1]:2222', `[web1]:2222 ${line(KEY)}`, 'known'],
    'another port': ['[web1]:2222', `[web1]:2223 ${line(KEY)}`, 'unknown'],
    'a name with a port is no name without': ['web1', `[web1]:2222 ${line(KEY)}`, 'unknown'],
    'the key without its port, where nothing is known with it': ['[web1]:2222', `web1 ${line(KEY)}`, 'known'],
    'another key without the port is another service\'s': ['[web1]:2222', `web1 ${line(OTHER)}`, 'unknown'],
    'another key with the port counts before the same one without': ['[web1]:2222', `web1 ${line(KEY)}\n[web1]:2222 ${line(OTHER)}`, 'changed'],
    'revoked without its port': ['[web1]:2222', `@revoked web1 ${line(KEY)}`, 'revoked 1'],
    'an IPv6 address': ['::1', `::1 ${line(KEY)}`, 'known'],
    'an IPv6 address with a port': ['[::1]:2222', `[::1]:2222 ${line(KEY)}`, 'known'],
    'a hashed name': ['web1', `${HASHED}kbguOtKYPIB/ZYy8dnyA/wCUN34= ${line(KEY)}`, 'known'],
    'a hashed name of another host': ['web2', `${HASHED}kbguOtKYPIB/ZYy8dnyA/wCUN34= ${line(KEY)}`, 'unknown'],
    'a hashed name with a salt that is too short': ['web1', `|1|AAEC|kbguOtKYPIB/ZYy8dnyA/wCUN34= ${line(KEY)}`, 'unknown'],
    'a hashed name in a form that does not exist': ['web1', `|2|x|web1,web1 ${line(KEY)}`, 'unknown'],
    'a revoked key': ['web1', `\n@revoked web1 ${line(KEY)}`, 'revoked 2'],
    'a revoked key that is also known': ['web1', `web1 ${line(KEY)}\n@revoked * ${line(KEY)}`, 'revoked 2'],
    'a revoked key of a hashed name, behind a tab': ['web1', `@revoked\t${HASHED}kbguOtKYPIB/ZYy8dnyA/wCUN34= ${line(KEY)}`, 'revoked 1'],
    'a key that is revoked for another host': ['web1', `@revoked web2 ${line(KEY)}\nweb1 ${line(KEY)}`, 'known'],
    'another key that is revoked says nothing of this one': ['web1', `@revoked web1 ${line(OTHER)}`, 'unknown'],
    'a certificate authority is named': ['web1', `# ours\n@cert-authority web* ${line(OTHER)}`, 'unknown, CA f:2'],
    'a certificate authority without the port is named too': ['[web1]:2222', `@cert-authority web* ${line(OTHER)}`, 'unknown, CA f:1'],
    'a certificate authority of other hosts is not': ['web1', `@cert-authority db* ${line(OTHER)}`, 'unknown'],
    'the key of an authority is no key of a host': ['web1', `@cert-authority web1 ${line(KEY)}`, 'unknown, CA f:1'],
    'a marker that does not exist': ['web1', `@trusted web1 ${line(KEY)}`, 'unknown'],
    'two markers': ['web1', `@revoked @cert-authority web1 ${line(KEY)}`, 'unknown'],
    'a comment': ['web1', `# web1 ${line(KEY)}\n#web1 ${line(KEY)}`, 'unknown'],
    'a line that breaks off': ['web1', 'web1\nweb1 ssh-ed25519\nweb1 ssh-ed25519 \n@revoked\n@revoked web1', 'unknown'],
    'a key that is no base64': ['web1', `web1 ssh-ed25519 ${KEY.toString('base64').slice(0, -2)}!=`, 'unknown'],
    'a key that breaks off': ['web1', `web1 ssh-ed25519 ${KEY.toString('base64').slice(0, 21)}`, 'unknown'],
    'a key that is not of the type before it': ['web1', `web1 ssh-rsa ${KEY.toString('base64')}`, 'unknown'],
    'a line that a NUL ends': ['web1', `web1 ssh-ed25519 ${KEY.toString('base64')}\0x`, 'known'],
    'a name that JavaScript has on every object': ['constructor', `toString ${line(KEY)}`, 'unknown'],
  };
  for (const [name, [host, text, expected]] of Object.entries(table)) it(name, () => assert.equal(verdict(host, text), expected));

  it('a key that one file knows and another one revokes is revoked, and the place is named', () => {
    const files = [{ path: 'mine', text: `web1 ${line(KEY)}` }, { path: 'system', text: `\n\n@revoked web* ${line(KEY)}` }];
    assert.deepEqual(checkHostKey(files, 'web1', KEY), { kind: 'revoked', file: 'system', line: 3 });
  });

  it('what a changed host is known by is told with its places', () => {
    const files = [{ path: 'mine', text: `web1 ${line(OTHER)}` }, { path: 'system', text: `\nweb1 ${line(RSA)}` }];
    assert.deepEqual(checkHostKey(files, 'web1', KEY), {
      kind: 'changed',
      known: [`ssh-ed25519 ${fingerprint(OTHER)} (mine:1)`, `ssh-rsa ${fingerprint(RSA)} (system:2)`],
    });
  });

  it('types of known keys are told once each, in order, of plain lines', () => {
    const text = [`@revoked web1 ${line(KEY)}`, `web1 ${line(RSA)}`, `web1 ${line(OTHER)}`, `web* ${line(RSA)}`, `web2 ${line(blob('x', ''))}`].join('\n');
    const types = (name: string): readonly string[] => knownKeyTypes([{ path: 'f', text }], name);
    assert.deepEqual(types('web1'), ['ssh-rsa', 'ssh-ed25519']);
    assert.deepEqual(types('[web1]:2222'), ['ssh-rsa', 'ssh-ed25519'], 'without the port, where there is none with it');
    assert.deepEqual(types('db'), []);
  });

  it('a name is spelled as ssh does', () => {
    assert.deepEqual([knownHostsName('Web1', 22), knownHostsName('Web1', 2222), knownHostsName('::1', 22), knownHostsName('::1', 2222)], ['web1', '[web1]:2222', '::1', '[::1]:2222']);
  });

  it('a blob that is no key has no type', () => {
    for (const hex of ['', '000000', '00000000', '000000ff61', 'ffffffff61', `00000041${'61'.repeat(65)}`, '000000036100620a']) assert.equal(keyType(Buffer.from(hex, 'hex')), '', hex);
  });

  it('a line that is appended is one line, for this host and no other, whatever the name', () => {
    const name = fc.oneof(
      fc.constantFrom('web1', '[web1]:2222', '::1', '[::1]:22', '*', '!web1', 'web1,other', 'a b', 'a\nother', '#x', '@revoked other', '|1|x', ''),
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.domain(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(name, host => {
        const text = knownHostsLine(host, KEY);
        assert.equal(text.split('\n').length, 2);
        assert.equal(verdict(host, text), 'known');
        if (host.toLowerCase() !== 'other') assert.equal(verdict('other', text), 'unknown');
      }),
    );
  });

  it('no file holds it up: long lines, many patterns, stars without end', () => {
    const name = 'a'.repeat(255);
    const stars = `${'*a'.repeat(500)}b`;
    const files = [`${stars.concat(',').repeat(100)} ${line(KEY)}`, 'x'.repeat(5_000_000), ' '.repeat(5_000_000), '@revoked '.repeat(500_000), '\n'.repeat(500_000), `|1|${'A'.repeat(5_000_000)}`];
    for (const text of files) assert.equal(verdict(name, text), 'unknown');
  });

  it('a pattern matches what a regular expression of it matches', () => {
    const of = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 });
    fc.assert(
      fc.property(of('ab.'), of('ab.*?'), (text, pattern) => {
        const expression = new RegExp(`^${pattern.replace(/\./g, '\\.').replace(/\?/g, '.').replace(/\*/g, '.*')}$`);
        assert.equal(matchesPattern(text, pattern), expression.test(text));
      }),
      { numRuns: 2000 },
    );
  });
});
