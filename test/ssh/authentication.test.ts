import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SshError } from '../../src/core/errors';
import { Keyring } from '../../src/core/host/identities';
import { cleanUp, newFolder, required, start } from '../kernel/support/cleanUp';
import { Person, type Wanted, collect, disconnectAll, hostOf } from './support/client';
import { PASSWORD, Sshd, type SshdOptions, makeKey } from './support/sshd';

/** A real ssh-agent that has these keys. */
async function agentWith(...keys: readonly string[]): Promise<string> {
  const socket = join(newFolder('agent'), 'socket');
  start(required('ssh-agent'), ['-D', '-a', socket], { stdio: 'ignore' });
  for (const until = Date.now() + 30_000; ; await sleep(20)) {
    try {
      execFileSync(required('ssh-add'), ['-q', ...keys], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'pipe' });
      return socket;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

describe('ways in', () => {
  afterEach(async () => {
    disconnectAll();
    await cleanUp();
  });

  let folder: string;
  beforeEach(() => (folder = newFolder('keys')));

  /** Reads a host once, as `op`; its key is known. */
  async function letIn(options: SshdOptions, wanted: (sshd: Sshd) => Wanted | Promise<Wanted>): Promise<Sshd> {
    const sshd = await Sshd.start(options);
    const model = await collect(hostOf(sshd, { knownHostsFiles: [sshd.known()], ...(await wanted(sshd)) }));
    assert.equal(model.collection.user?.name, 'op');
    return sshd;
  }

  async function refused(options: SshdOptions, wanted: (sshd: Sshd) => Wanted | Promise<Wanted>): Promise<SshError> {
    const error = await letIn(options, wanted).then(
      () => assert.fail('it was let in'),
      (reason: unknown) => reason,
    );
    assert.ok(SshError.is(error), String(error));
    return error;
  }

  const keyOnly = { config: ['AuthenticationMethods publickey'] };
  const NOBODY = { config: ['PasswordAuthentication no', 'KbdInteractiveAuthentication no'] };

  for (const type of ['ed25519', 'ecdsa', 'rsa']) {
    it(`a key file: ${type}`, () =>
      letIn(keyOnly, sshd => {
        const key = makeKey(join(folder, 'id'), type);
        sshd.authorize(`${key}.pub`);
        return { identityFiles: [join(folder, 'not-there'), key] };
      }));

    it(`an agent: ${type}, and nothing of it in a file`, () =>
      letIn(keyOnly, async sshd => {
        const key = makeKey(join(folder, 'id'), type);
        sshd.authorize(`${key}.pub`);
        const agent = await agentWith(key);
        rmSync(key);
        return { agent };
      }));

    it(`a key file with a passphrase: ${type}; a wrong answer is asked again`, async () => {
      const person = new Person({ passphrases: ['wrong', 'open sesame'] });
      await letIn(keyOnly, sshd => {
        const key = makeKey(join(folder, 'id'), type, 'open sesame');
        sshd.authorize(`${key}.pub`);
        return { identityFiles: [key], person };
      });
      assert.deepEqual(person.asked, ['passphrase id', 'passphrase id again']);
    });
  }

  it('a key file with a passphrase whose public part is only in the file itself', async () => {
    const person = new Person({ passphrases: ['open sesame'] });
    await letIn(keyOnly, sshd => {
      const key = makeKey(join(folder, 'id'), 'ed25519', 'open sesame');
      sshd.authorize(`${key}.pub`);
      rmSync(`${key}.pub`);
      return { identityFiles: [key], person };
    });
    assert.deepEqual(person.asked, ['passphrase id']);
  });

  it('a passphrase is not asked for a key that the host does not take', async () => {
    const other = makeKey(join(folder, 'other'), 'ed25519', 'open sesame');
    await letIn(keyOnly, sshd => {
      const key = makeKey(join(folder, 'id'));
      sshd.authorize(`${key}.pub`);
      return { identityFiles: [other, key] };
    });
  });

  it('two hosts ask for one passphrase once', async () => {
    const person = new Person({ passphrases: ['open sesame'] });
    const key = makeKey(join(folder, 'id'), 'ed25519', 'open sesame');
    const keyring = new Keyring();
    const sshds = await Promise.all([Sshd.start(keyOnly), Sshd.start(keyOnly)]);
    await Promise.all(
      sshds.map(sshd => {
        sshd.authorize(`${key}.pub`);
        return collect(hostOf(sshd, { knownHostsFiles: [sshd.known()], identityFiles: [key], keyring, person }));
      }),
    );
    assert.deepEqual(person.asked, ['passphrase id']);
  });

  it('IdentitiesOnly: of the agent only the keys of the files, so that a host with few tries is not used up', () =>
    letIn({ config: ['AuthenticationMethods publickey', 'MaxAuthTries 2'] }, async sshd => {
      const others = [1, 2, 3, 4].map(n => makeKey(join(folder, `other${n}`)));
      const key = makeKey(join(folder, 'id'));
      sshd.authorize(`${key}.pub`);
      const agent = await agentWith(...others, key);
      rmSync(key); // the file's public part is enough: the agent has the private one
      return { agent, identityFiles: [`${key}.pub`], identitiesOnly: true };
    }));

  it('too many keys: the host ends it, and the message says so', async () => {
    const error = await refused({ config: ['AuthenticationMethods publickey', 'MaxAuthTries 2'] }, async () => ({ agent: await agentWith(...[1, 2, 3, 4].map(n => makeKey(join(folder, `other${n}`)))) }));
    assert.equal(error.reason, 'authentication');
    assert.match(error.details.said ?? '', /Too many authentication failures/);
  });

  it('a password, and a wrong one before it', async () => {
    const person = new Person({ passwords: ['wrong', PASSWORD] });
    await letIn({ config: ['AuthenticationMethods password'] }, () => ({ person }));
    assert.deepEqual(person.asked, ['password op', 'password op again']);
  });

  it('three wrong passwords are enough', async () => {
    const person = new Person({ passwords: ['a', 'b', 'c', 'd'] });
    const error = await refused({ config: ['AuthenticationMethods password'] }, () => ({ person }));
    assert.equal(error.reason, 'authentication');
    assert.equal(person.asked.length, 3);
    assert.equal(error.details.said, 'password');
  });

  it('a question that is closed is the end, named', async () => {
    const error = await refused({ config: ['AuthenticationMethods password'] }, () => ({ person: new Person({ passwords: [undefined] }) }));
    assert.deepEqual([error.reason, error.details.said], ['given-up', 'a password']);
  });

  const pam = { config: ['UsePAM yes', 'KbdInteractiveAuthentication yes', 'AuthenticationMethods keyboard-interactive'] };

  it('keyboard-interactive: what PAM asks', async () => {
    const person = new Person({ answers: [[PASSWORD]] });
    await letIn(pam, () => ({ person }));
    assert.deepEqual(person.asked, ['answers Password: ']);
  });

  it('keyboard-interactive with nobody behind it, who asks nothing: then the password', async () => {
    const person = new Person({ passwords: ['wrong', PASSWORD] });
    await letIn({ config: ['UsePAM no', 'KbdInteractiveAuthentication yes'] }, () => ({ person }));
    assert.deepEqual(person.asked, ['password op', 'password op again']);
  });

  for (const way of ['file', 'agent'] as const) {
    it(`two steps: a key of ${way === 'file' ? 'a file' : 'an agent'}, then a code`, async () => {
      const person = new Person({ answers: [[PASSWORD]] });
      await letIn({ config: ['UsePAM yes', 'KbdInteractiveAuthentication yes', 'AuthenticationMethods publickey,keyboard-interactive'] }, async sshd => {
        const [key, other] = [makeKey(join(folder, 'id')), makeKey(join(folder, 'other'))];
        sshd.authorize(`${key}.pub`);
        return { person, ...(way === 'file' ? { identityFiles: [key, other] } : { agent: await agentWith(key, other) }) };
      });
      assert.deepEqual(person.asked, ['answers Password: ']);
    });
  }

  it('what ssh_config switches off is not tried', async () => {
    const error = await refused({}, () => ({ authentications: new Set(['publickey'] as const) }));
    assert.equal(error.reason, 'authentication');
  });

  it('nobody is let in: the message says what was tried', async () => {
    const key = makeKey(join(folder, 'id'));
    const error = await refused(NOBODY, async () => ({ identityFiles: [key], agent: await agentWith(makeKey(join(folder, 'of-agent'), 'rsa')) }));
    assert.equal(error.reason, 'authentication');
    assert.equal(error.details.said, `test-rsa, ${key}`);
  });

  it('an agent that is not there is no reason to give up', () =>
    letIn(keyOnly, sshd => {
      const key = makeKey(join(folder, 'id'));
      sshd.authorize(`${key}.pub`);
      return { agent: join(folder, 'no-agent'), identityFiles: [key] };
    }));

  it('a file that is no key is passed over', async () => {
    const error = await refused(NOBODY, () => ({ identityFiles: ['/etc/passwd'] }));
    assert.equal(error.details.said, '/etc/passwd: no key that can be used');
  });

  it('nothing secret is sent: neither passphrase nor password is in the host\'s log', async () => {
    const sshd = await letIn({ config: ['AuthenticationMethods password', 'LogLevel DEBUG3'] }, () => ({ person: new Person({ passwords: [PASSWORD] }) }));
    assert.ok(!sshd.log().includes(PASSWORD));
    assert.match(readFileSync(join(sshd.folder, 'log'), 'utf8'), /Accepted password for op/);
  });
});
