import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SshError } from '../../src/core/errors';
import { cleanUp, newFolder, required } from '../kernel/support/cleanUp';
import { Person, type Wanted, collect, disconnectAll, hostOf } from './support/client';
import { Sshd, type SshdOptions, makeKey } from './support/sshd';

const fingerprintOf = (file: string): string => execFileSync(required('ssh-keygen'), ['-lf', file], { encoding: 'utf8' }).split(' ')[1]!;
const publicKeyOf = (file: string): string => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');

describe('host keys, before anything else is said', () => {
  afterEach(async () => {
    disconnectAll();
    await cleanUp();
  });

  let key: string;
  let acceptedKeys: string;
  let knownHosts: string;
  beforeEach(() => {
    const folder = newFolder('client');
    key = makeKey(join(folder, 'id'));
    acceptedKeys = join(folder, 'of ours', 'known_hosts');
    knownHosts = join(folder, 'known_hosts');
  });

  const startSshd = (options: SshdOptions = {}): Promise<Sshd> => Sshd.startFor(key, options);

  const read = (sshd: Sshd, wanted: Wanted): ReturnType<typeof collect> => collect(hostOf(sshd, { identityFiles: [key], acceptedKeys, knownHostsFiles: [knownHosts], ...wanted }));

  /** That it failed so, and that the host heard of no user. */
  async function refused(sshd: Sshd, wanted: Wanted, reason: SshError['reason']): Promise<SshError> {
    const error = await read(sshd, wanted).then(
      () => assert.fail('it was connected'),
      (why: unknown) => why,
    );
    assert.ok(SshError.is(error, reason), String(error));
    assert.doesNotMatch(sshd.log(), /Accepted|Failed|user=op|for op/);
    return error;
  }

  it('one that nobody knows is shown and asked for once; it goes to our own file alone', async () => {
    const sshd = await startSshd();
    writeFileSync(knownHosts, '# the user\'s own\n');
    const person = new Person({ hostKey: true });
    await read(sshd, { person });
    await read(sshd, { person });
    assert.deepEqual(person.hostKeys, [{ host: `[127.0.0.1]:${sshd.port}`, hop: undefined, keyType: 'ssh-ed25519', fingerprint: fingerprintOf(sshd.hostKey()), certAuthority: undefined }]);
    assert.equal(readFileSync(knownHosts, 'utf8'), '# the user\'s own\n');
    assert.equal(readFileSync(acceptedKeys, 'utf8'), `[127.0.0.1]:${sshd.port} ${publicKeyOf(sshd.hostKey())}\n`);
  });

  it('one that the person would not have: nothing is written, nobody logs in', async () => {
    const sshd = await startSshd();
    const error = await refused(sshd, { person: new Person({ hostKey: false }) }, 'host-key-refused');
    assert.equal(error.details.fingerprint, `ssh-ed25519 ${fingerprintOf(sshd.hostKey())}`);
    assert.ok(!existsSync(acceptedKeys));
  });

  it('StrictHostKeyChecking: refused unasked, or taken unasked', async () => {
    const sshd = await startSshd();
    await refused(sshd, { unknownHostKeys: 'refuse' }, 'host-key-refused');
    await read(sshd, { unknownHostKeys: 'accept-new' });
    assert.match(readFileSync(acceptedKeys, 'utf8'), /^\[127\.0\.0\.1\]:\d+ ssh-ed25519 /);
  });

  it('one that was rotated is refused, with both fingerprints and where the old one stands', async () => {
    const sshd = await startSshd();
    const old = makeKey(join(newFolder('old'), 'host'));
    writeFileSync(knownHosts, `# old\n[127.0.0.1]:${sshd.port} ${publicKeyOf(old)}\n`);
    const error = await refused(sshd, {}, 'host-key-changed');
    assert.equal(error.details.fingerprint, `ssh-ed25519 ${fingerprintOf(sshd.hostKey())}`);
    assert.deepEqual(error.details.known, [`ssh-ed25519 ${fingerprintOf(old)} (${knownHosts}:2)`]);
  });

  it('one that was accepted here and then rotated is refused too', async () => {
    const first = await startSshd();
    await read(first, { person: new Person({ hostKey: true }) });
    disconnectAll();
    await first.stop();
    const second = await startSshd({ port: first.port });
    const error = await refused(second, {}, 'host-key-changed');
    assert.match(error.details.known?.join() ?? '', new RegExp(`\\(${acceptedKeys}:1\\)$`));
  });

  for (const type of ['rsa', 'ecdsa', 'ed25519']) {
    it(`a host with three keys that is known by its ${type} key is asked for that one`, async () => {
      const sshd = await startSshd({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] });
      writeFileSync(knownHosts, `[127.0.0.1]:${sshd.port} ${publicKeyOf(sshd.hostKey(type))}\n`);
      await read(sshd, {});
      assert.ok(!existsSync(acceptedKeys));
    });
  }

  it('a revoked one is refused, with the line that says so', async () => {
    const sshd = await startSshd();
    writeFileSync(knownHosts, `[127.0.0.1]:${sshd.port} ${publicKeyOf(sshd.hostKey())}\n@revoked * ${publicKeyOf(sshd.hostKey())}\n`);
    const error = await refused(sshd, {}, 'host-key-revoked');
    assert.deepEqual([error.details.file, error.details.line], [knownHosts, 2]);
  });

  it('a certificate authority is named, and cannot vouch', async () => {
    const sshd = await startSshd();
    writeFileSync(knownHosts, `@cert-authority [127.0.0.1]:${sshd.port} ${publicKeyOf(makeKey(join(newFolder('ca'), 'ca')))}\n`);
    const person = new Person({ hostKey: true });
    await read(sshd, { person });
    assert.equal(person.hostKeys[0]?.certAuthority, `${knownHosts}:1`);
  });

  it('hashed, as ssh-keygen -H leaves it', async () => {
    const sshd = await startSshd();
    writeFileSync(knownHosts, `[127.0.0.1]:${sshd.port} ${publicKeyOf(sshd.hostKey())}\n`);
    execFileSync(required('ssh-keygen'), ['-q', '-H', '-f', knownHosts], { stdio: 'pipe' });
    await read(sshd, {});
  });

  it('a known_hosts file that cannot be read is not taken for an empty one', async () => {
    const sshd = await startSshd();
    await refused(sshd, { knownHostsFiles: [newFolder('a folder')] }, 'bad-config');
  });
});
