import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { checkHostKey, fingerprint, keyType, knownHostsLine } from '../../src/core/host/knownHosts';

/** What OpenSSH itself says: `ssh-keygen` is the judge of names and fingerprints. */
function keygen(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('ssh-keygen', args, { encoding: 'utf8', input: '' });
  // -F ends with 1 where it finds nothing
  assert.ok(status === 0 || (status === 1 && args[0] === '-F'), `ssh-keygen ${args.join(' ')}: ${stderr}`);
  return stdout;
}

describe('known_hosts, as ssh-keygen reads it', () => {
  let folder: string;
  const keys: Buffer[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-known-hosts-'));
    for (const [i, type] of [['-t', 'ed25519'], ['-t', 'ed25519'], ['-t', 'ecdsa', '-b', '256'], ['-t', 'ecdsa', '-b', '521'], ['-t', 'rsa', '-b', '2048']].entries()) {
      keygen('-q', ...type, '-N', '', '-C', '', '-f', join(folder, `key${i}`));
      keys.push(Buffer.from(readFileSync(join(folder, `key${i}.pub`), 'utf8').split(' ')[1]!, 'base64'));
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('a fingerprint and a type are those of ssh-keygen -l', () => {
    for (const [i, key] of keys.entries()) {
      const [, print] = keygen('-lf', join(folder, `key${i}.pub`)).trim().split(' ');
      assert.equal(fingerprint(key), print);
      assert.equal(readFileSync(join(folder, `key${i}.pub`), 'utf8').split(' ')[0], keyType(key));
    }
  });

  it('a line of ours is found by ssh-keygen, a hashed one too', () => {
    const file = join(folder, 'ours');
    for (const name of ['web1', '[web1]:2222', '::1', '[::1]:22', 'a*b', 'a,b', '!a']) {
      writeFileSync(file, knownHostsLine(name, keys[0]!));
      assert.match(keygen('-F', name, '-l', '-f', file), new RegExp(`found: line 1 \n.* ED25519 ${escaped(fingerprint(keys[0]!))}`));
    }
  });

  const names = ['web1', 'web2', 'web10', 'db.example.com', '[web1]:2222', '[db.example.com]:22000', '10.0.0.7', '::1', '[::1]:2222'];
  const pattern = fc.oneof(
    fc.constantFrom(...names, 'web?', 'web*', 'WEB1', '*.example.com', '*', '*:2222', '[*]:2222', '10.0.0.*', '?eb1', '[web?]:*', 'w*1*', '', '!', '**'),
    fc.string({ unit: fc.constantFrom(...'web1*?.['), minLength: 1, maxLength: 6 }),
  );
  const list = fc.array(fc.tuple(fc.constantFrom('', '', '', '!'), pattern).map(([not, text]) => not + text), { minLength: 1, maxLength: 4 }).map(patterns => patterns.join(','));
  const entry = fc.record({
    marker: fc.constantFrom('', '', '', '', '@revoked ', '@cert-authority ', '@other ', '@revoked  '),
    names: list.filter(text => text !== '' && !text.startsWith('#') && !text.startsWith('|')),
    key: fc.nat({ max: 4 }),
    behind: fc.constantFrom('', ' comment', '\r', ' comment\r', '\t'),
    garbage: fc.constantFrom('', '', '', '', 'web1', 'web1 ssh-ed25519', '# web1 ssh-ed25519 AAAA', '@revoked', '|1|x|y ssh-ed25519 AAAA', '\t \r'),
  });
  const entries = fc.array(entry, { minLength: 1, maxLength: 8 });

  for (const { seed, hash } of [{ seed: 1, hash: false }, { seed: 2, hash: true }, { seed: 3, hash: false }, { seed: 4, hash: true }]) {
    it(`verdicts are those of ssh-keygen -F on random files${hash ? ', hashed by ssh-keygen -H' : ''} (seed ${seed})`, () => {
      const path = join(folder, `random${seed}`);
      const seen = new Set<string>();
      fc.assert(
        fc.property(entries, fc.constantFrom(...names), (lines, name) => {
          // ssh-keygen -H hashes no file that has garbage in it.
          const written = lines.filter(({ marker }) => !hash || marker !== '@other ').flatMap(({ marker, names: hosts, key, behind, garbage }) => [`${marker}${hosts} ${keyType(keys[key]!)} ${keys[key]!.toString('base64')}${behind}`, hash ? '' : garbage]);
          writeFileSync(path, `${written.join('\n')}\n`);
          if (hash) keygen('-H', '-f', path);
          rmSync(`${path}.old`, { force: true });
          const text = readFileSync(path, 'utf8');
          const found = foundBoth(path, text, name);
          for (const key of keys) {
            const verdict = checkHostKey([{ path, text }], name, key);
            assert.equal(verdict.kind, expectedKind(found, key), `${name} in\n${text}`);
            seen.add(verdict.kind);
          }
        }),
        { seed, numRuns: 60 },
      );
      assert.deepEqual([...seen].sort(), ['changed', 'known', 'revoked', 'unknown'], 'the files say everything that can be said');
    });
  }
});

interface Found {
  readonly marker: string;
  readonly line: string;
}

/** The lines that `ssh-keygen -F` finds with the port, and those that it finds without. */
function foundBoth(path: string, text: string, name: string): readonly Found[][] {
  const lines = text.split('\n');
  const bare = /^\[(.+)\]:\d+$/.exec(name)?.[1];
  return [name, ...(bare === undefined ? [] : [bare])].map(of =>
    [...keygen('-F', of, '-f', path).matchAll(/found: line (\d+) (CA|REVOKED|)\n/g)].map(([, line, marker]) => ({ marker: marker!, line: lines[Number(line) - 1]! })),
  );
}

function expectedKind([withPort, without]: readonly Found[][], key: Buffer): string {
  const kind = (found: readonly Found[]): string => {
    const same = ({ line }: Found): boolean => line.split(/\s+/).includes(key.toString('base64'));
    if (found.some(entry => entry.marker === 'REVOKED' && same(entry))) return 'revoked';
    const plain = found.filter(({ marker }) => marker === '');
    if (plain.some(same)) return 'known';
    return plain.length > 0 ? 'changed' : 'unknown';
  };
  const verdict = kind(withPort!);
  const fallback = verdict === 'unknown' && without ? kind(without) : verdict;
  return verdict === 'unknown' && fallback === 'changed' ? 'unknown' : fallback;
}

function escaped(text: string): string {
  return text.replace(/[+/]/g, '\\$&');
}
