import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describeError } from '../../../src/core/messages';
import { resolveTarget } from '../../../src/core/host/sshConfig';
import { readSshConfig } from '../../../src/core/host/sshConfigFiles';
import type { SshEnvironment } from '../../../src/core/host/sshEnvironment';
import { ENVIRONMENT, said } from './sshConfigs';

describe('files of ssh_config', () => {
  let folder: string;
  let environment: SshEnvironment;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-ssh-config-'));
    environment = { ...ENVIRONMENT, home: join(folder, 'home'), systemFolder: join(folder, 'etc'), uid: process.getuid!() };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Paths below the folder; `home/.ssh/config` is the user's. */
  function write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  }

  /** `user@name:port`, or what stands in the way, without the folder's path. */
  async function found(name = 'web'): Promise<string> {
    try {
      const { user, hostName, port } = resolveTarget(await readSshConfig(environment), name, environment);
      return `${user}@${hostName}:${port}`;
    } catch (error) {
      return `${said(error)} | ${describeError(error)}`.replaceAll(folder, '');
    }
  }

  const table: Readonly<Record<string, readonly [files: Readonly<Record<string, string>>, expected: string | RegExp]>> = {
    'that are not there are empty': [{}, 'op@web:22'],
    'the user\'s and the system\'s': [{ 'home/.ssh/config': 'User a', 'etc/ssh_config': 'User b\nPort 23' }, 'a@web:23'],
    'Include is read in place, relative to ~/.ssh': [{ 'home/.ssh/config': 'Include more\nUser b', 'home/.ssh/more': 'User a' }, 'a@web:22'],
    'Include with ~, of several files': [{ 'home/.ssh/config': 'Include none ~/.ssh/a "~/.ssh/b c"', 'home/.ssh/a': 'User a', 'home/.ssh/b c': 'Port 23' }, 'a@web:23'],
    'Include with patterns, in order, without hidden files': [{ 'home/.ssh/config': 'Include d.?/*.conf', 'home/.ssh/d.1/20.conf': 'User b', 'home/.ssh/d.1/10.conf': 'User a', 'home/.ssh/d.1/.05.conf': 'User h', 'home/.ssh/d.1/x': 'Port 1' }, 'a@web:22'],
    'Include of the system is relative to its folder': [{ 'etc/ssh_config': 'Include ssh_config.d/*.conf', 'etc/ssh_config.d/a.conf': 'User a' }, 'a@web:22'],
    'Include in a Host that matches': [{ 'home/.ssh/config': 'Host web\n Include more', 'home/.ssh/more': 'User a' }, 'a@web:22'],
    'Include in a Host that does not': [{ 'home/.ssh/config': 'Host db\n Include more', 'home/.ssh/more': 'User a\nHost web\n Port 23' }, 'op@web:22'],
    'an Include ends no Host': [{ 'home/.ssh/config': 'Host web\n Include more\n Port 23', 'home/.ssh/more': 'Host db\n User a' }, 'op@web:23'],
    'a Host in what is included': [{ 'home/.ssh/config': 'Include more\nPort 23', 'home/.ssh/more': 'Host web\n User a\nHost db\n Port 1' }, 'a@web:23'],
    'Match final in what is included where nothing applies still asks for a second pass, as it does in ssh': [{ 'home/.ssh/config': 'Host db\n Include more\nHost web\n HostName web.x\nHost *.x\n User a', 'home/.ssh/more': 'Match final\n Port 23' }, 'a@web.x:22'],
    'the policy of a distribution': [{ 'etc/ssh_config': 'Include *.conf', 'etc/50-redhat.conf': 'Match final all\n Include policy/openssh.config\n GSSAPIAuthentication yes\n ForwardX11Trusted yes\n', 'etc/policy/openssh.config': 'Ciphers aes256-gcm@openssh.com\nMACs x\nGSSAPIKexAlgorithms x\nKexAlgorithms x\nPubkeyAcceptedAlgorithms x\nCASignatureAlgorithms x\nRequiredRSASize 2048\nHostbasedAcceptedAlgorithms x' }, 'op@web:22'],
    'a folder that an Include matches is empty': [{ 'home/.ssh/config': 'Include d*', 'home/.ssh/d/x': 'User a', 'home/.ssh/d.conf': 'Port 23' }, 'op@web:23'],
    'a file that includes itself': [{ 'home/.ssh/config': 'Include config' }, 'bad-config 1: it is included more than 16 files deep | /home/.ssh/config:1 cannot be used: it is included more than 16 files deep'],
    'files that include each other twice and twice again': [{ 'home/.ssh/config': 'Include a a\n', 'home/.ssh/a': 'Include b b', 'home/.ssh/b': 'Include c c', 'home/.ssh/c': 'Include d d', 'home/.ssh/d': 'Include e e', 'home/.ssh/e': 'Include f f', 'home/.ssh/f': 'Include g g', 'home/.ssh/g': 'Include h h', 'home/.ssh/h': 'Include i i', 'home/.ssh/i': 'Include j j' }, /more than 1000 files are included/],
    'a file that is larger than any': [{ 'home/.ssh/config': '#\n'.repeat(600_000) }, /all files together are larger than 1048576 bytes/],
    'a file with a NUL': [{ 'home/.ssh/config': 'User a\0b' }, /it holds a NUL/],
    'an Include that not every ssh understands': [{ 'home/.ssh/config': 'Include ${KEYS}/x' }, 'unsupported-config 1: Include ${KEYS}/x | Not supported: ssh_config has "Include ${KEYS}/x" for web (/home/.ssh/config:1). It is not connected without it.'],
    'the same for another host': [{ 'home/.ssh/config': 'Host db\n Include %h/x ~root/x [ab]' }, 'op@web:22'],
    'an Include with ~ in the system\'s file': [{ 'etc/ssh_config': 'Include ~/x' }, /unsupported-config 1: Include ~\/x/],
  };
  for (const [name, [files, expected]] of Object.entries(table)) {
    it(name, async () => {
      write(files);
      if (typeof expected === 'string') assert.equal(await found(), expected);
      else assert.match(await found(), expected);
    });
  }

  it('what others can write is not believed', async () => {
    write({ 'home/.ssh/config': 'User a', 'etc/ssh_config': 'Include x', 'etc/x': 'Port 23' });
    chmodSync(join(folder, 'home/.ssh/config'), 0o664);
    assert.match(await found(), /^bad-config .*it belongs to somebody else, or others can write it/);
    chmodSync(join(folder, 'home/.ssh/config'), 0o644);
    chmodSync(join(folder, 'etc/ssh_config'), 0o666);
    assert.equal(await found(), 'a@web:23', 'the system\'s own file is not asked, as ssh does');
    chmodSync(join(folder, 'etc/x'), 0o666);
    assert.match(await found(), /^bad-config .*others can write it/);
    environment = { ...environment, uid: undefined };
    assert.equal(await found(), 'a@web:23', 'Windows has no such bits');
    environment = { ...environment, uid: 4711 };
    chmodSync(join(folder, 'etc/x'), 0o644);
    assert.match(await found(), process.getuid!() === 0 ? /^a@web:23$/ : /it belongs to somebody else/, 'root is believed, others are not');
  });

  describe('one that is named, as ssh -F', () => {
    const named = async (file: string): Promise<string> => {
      try {
        const { user, hostName, port } = resolveTarget(await readSshConfig(environment, file), 'web', environment);
        return `${user}@${hostName}:${port}`;
      } catch (error) {
        return describeError(error).replaceAll(folder, '');
      }
    };

    it('is the only one; what it includes is looked for where the user\'s would', async () => {
      write({ 'home/.ssh/config': 'User a', 'etc/ssh_config': 'Port 24', 'home/.ssh/more': 'User b', 'x/config': 'Include more\nPort 23' });
      assert.equal(await named(join(folder, 'x/config')), 'b@web:23');
      assert.equal(await named(relative(process.cwd(), join(folder, 'x/config'))), 'b@web:23', 'relative to where one is');
      assert.equal(await named('none'), 'op@web:22');
    });

    it('has to be there, and to be a file', async () => {
      assert.match(await named(join(folder, 'absent')), /^\/absent cannot be used: ENOENT/);
      assert.equal(await named(folder), ' cannot be used: it is no regular file');
    });

    it('may be one that others can write, as the person named it; what it includes may not', async () => {
      write({ 'config': 'Include ~/.ssh/more', 'home/.ssh/more': 'User b' });
      chmodSync(join(folder, 'config'), 0o666);
      assert.equal(await named(join(folder, 'config')), 'b@web:22');
      chmodSync(join(folder, 'home/.ssh/more'), 0o666);
      assert.match(await named(join(folder, 'config')), /more cannot be used: .*others can write it/);
    });
  });

  it('no pipe is waited for', async () => {
    mkdirSync(join(folder, 'home/.ssh'), { recursive: true });
    assert.equal(spawnSync('mkfifo', [join(folder, 'home/.ssh/config')]).status, 0);
    assert.match(await found(), /^bad-config .*it is no regular file/);
  });
});
