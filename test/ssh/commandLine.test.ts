import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server as SshServer, utils } from 'ssh2';
import { type OwnCgroup, makeCgroup } from '../kernel/support/cgroups';
import { cleanUp, newFolder } from '../kernel/support/cleanUp';
import { type Qemu, startQemu } from '../kernel/support/qemu';
import { placesOf, tidsOf } from '../kernel/support/readers';
import { Client } from './support/commandLine';
import { PASSWORD, Sshd, type SshdOptions, freePort, makeKey } from './support/sshd';

const CLI = join(__dirname, '../../src/cli/main.js');
const TO_TERMINAL = /there is no terminal to ask at\. Run this in a terminal; or have the key of the host in known_hosts, and yours in an agent\.\n$/;

/** `dist/cli.js` after `npm run build`: as it is shipped, SSH in a file of its own. */
const PROGRAM = process.env['CGROUP_LENS_CLI'] ?? CLI;

describe('the command line, on a host over SSH', () => {
  const NAME = 'by command over ssh';
  /** As libvirt names it without systemd. */
  const SCOPE = `qemu-9-${NAME}.libvirt-qemu`;
  let qemu: Qemu;
  let vcpu0: number;
  let client: Client;
  let sshd: Sshd;
  const group = (name: string): OwnCgroup => makeCgroup('cpu', SCOPE, name);
  const place = (): string => placesOf(qemu.pid, vcpu0)['cpu']!;
  const startSshd = (options: SshdOptions = {}): Promise<Sshd> => Sshd.startFor(client.key, options);
  const to = (config: string): string[] => ['--host', 'web1', '--ssh-config', config];
  const MOVE = ['--move', 'vcpu0=S/vcpu0'];

  before(async () => {
    qemu = await startQemu({ name: NAME, vcpus: 1, ioThreads: [] });
    vcpu0 = (await qemu.qmp.vcpus())['0']!;
    makeCgroup('cpu', SCOPE).addProcess(qemu.pid);
    group('vcpu0');
    client = new Client(PROGRAM);
    sshd = await startSshd();
  });
  beforeEach(() => {
    client = Object.assign(new Client(PROGRAM), { key: client.key });
    for (const tid of tidsOf(qemu.pid)) group('emulator').addThread(tid);
  });
  after(cleanUp);

  describe('reads', () => {
    it('report: its machines, as the user there; then the connection is over', async () => {
      const { code, stdout, stderr } = await client.run('report', ...to(client.config(sshd)));
      assert.equal(code, 0, stderr);
      assert.ok(stdout.includes(NAME));
      assert.match(stderr, /^web1: [^\n]*, as user op/);
      await sshd.nothingLeft();
    });

    it('check: what is wrong there, by two looks on one connection; one that nobody answers at does not keep the others from it', async () => {
      const config = client.config(sshd);
      writeFileSync(config, `${readFileSync(config, 'utf8')}Host gone\n  HostName 127.0.0.1\n  Port ${await freePort()}\n`);
      const { code, stdout, stderr } = await client.run('check', ...to(config), '--host', 'gone', '--machine', NAME, '--json', '--seconds', '0.2');
      const { hosts, unread } = JSON.parse(stdout) as { hosts: { host: string; seconds: number; findings: { rule: string; fixes: { plan?: string[] }[] }[] }[]; unread: { host: string; why: string }[] };
      assert.deepEqual([code, hosts.map(({ host, seconds }) => [host, seconds]), unread.map(({ host }) => host)], [10, [['web1', 0.2]], ['gone']], stderr);
      assert.match(stderr, /gone cannot be reached/);
      const { fixes } = hosts[0]!.findings.find(({ rule }) => rule === 'vcpu-in-emulator')!;
      assert.deepEqual(fixes[0]!.plan!.slice(0, 7), ['cgroup-lens', 'plan', NAME, ...to(config)]);
      await sshd.nothingLeft();
      assert.equal((await client.run('check', ...to(config), '--host', 'gone', '--machine', NAME, '--seconds', '0', '--severity', 'error')).code, 3);
      assert.equal((await client.run('check', '--host', 'gone', '--ssh-config', config)).code, 1);
    });

    it('compare: a capture of it, and now', async () => {
      const config = client.config(sshd);
      const file = join(client.home, 'before.capture');
      await client.run('collect', '--output', file, ...to(config));
      group('vcpu0').addThread(vcpu0);
      const { code, stdout, stderr } = await client.run('compare', `${file}#${NAME}`, '.', ...to(config));
      assert.equal(code, 10, stderr);
      assert.match(stdout, /^ {2}vCPU 0, cpu: S\/emulator in before, S\/vcpu0 in web1$/m);
    });

    it('as ~/.ssh/config says, and user@host:port without any', async () => {
      mkdirSync(join(client.home, '.ssh'), { mode: 0o700 });
      writeFileSync(join(client.home, '.ssh/config'), `${readFileSync(client.config(sshd), 'utf8')}Host 127.0.0.1\n  IdentityFile ${client.key}\n  UserKnownHostsFile ${sshd.known()}\n`, { mode: 0o600 });
      assert.match((await client.run('report', '--host', 'web1')).stderr, /^web1: .* as user op/);
      const address = `op@127.0.0.1:${sshd.port}`;
      assert.ok((await client.run('report', '--host', address)).stderr.startsWith(`${address}: `));
    });

    it('collect: a capture of it', async () => {
      const file = join(client.home, 'web1.capture');
      const { code, stderr } = await client.run('collect', '--output', file, ...to(client.config(sshd)));
      assert.equal(code, 0, stderr);
      const { stdout } = await client.run('report', '--capture', file);
      assert.ok(stdout.includes(NAME));
    });

    it('where /proc hides others: what to add is said, and --as-root reads them', async () => {
      const hiding = await startSshd({ setUp: ['mount -t proc -o hidepid=2 proc /proc'] });
      const config = client.config(hiding);
      const hidden = await client.run('report', ...to(config));
      assert.ok(!hidden.stdout.includes(NAME));
      assert.match(hidden.stderr, /add --as-root to read them too/);
      const seen = await client.run('report', '--as-root', ...to(config));
      assert.ok(seen.stdout.includes(NAME), seen.stderr);
      assert.doesNotMatch(seen.stderr, /--as-root/);
      const moved = await client.run('apply', NAME, '--yes', '--as-root', ...MOVE, ...to(config));
      assert.deepEqual([moved.code, place()], [0, group('vcpu0').path], moved.stdout + moved.stderr);
    });

    it('without --host nothing of SSH is loaded', async () => {
      const probe = join(client.home, 'probe.js');
      writeFileSync(probe, `process.on('exit', () => console.log(Object.keys(require.cache).filter(file => /ssh2|ssh\\.js$/.test(file)).length > 0));`);
      const before = client.env['NODE_OPTIONS'];
      client.env['NODE_OPTIONS'] = `${before ?? ''} --require ${probe}`;
      assert.match((await client.run('history')).stdout, /false\n$/);
      assert.match((await client.run('report', ...to(client.config(sshd)))).stdout, /true\n$/);
    });
  });

  describe('changes', () => {
    it('plan does nothing; apply does it by sudo; undo --host takes it back, once', async () => {
      const at = to(client.config(sshd));
      const planned = await client.run('plan', NAME, ...MOVE, ...at);
      assert.match(planned.stdout, /host web1 .*as root, by sudo -n/);
      assert.equal(place(), group('emulator').path);
      const applied = await client.run('apply', NAME, '--yes', ...MOVE, ...at);
      assert.deepEqual([applied.code, place()], [0, group('vcpu0').path], applied.stderr);
      assert.match((await client.run('history')).stdout, /^[0-9a-f]{8} {2}\S+Z {2}web1 {2}1 of 1 done {2}/);
      const undone = await client.run('undo', '--yes', ...at);
      assert.deepEqual([undone.code, place()], [0, group('emulator').path], undone.stderr);
      const again = await client.run('undo', '--yes', ...at);
      assert.deepEqual([again.code, again.stderr], [1, 'nothing was applied on web1 from the command line that is not undone\n']);
      await sshd.nothingLeft();
    });

    it('a user who may not become root: nothing is changed, and the exit code tells', async () => {
      const { code, stdout } = await client.run('apply', NAME, '--yes', ...MOVE, ...to(client.config(sshd, { user: 'second' })));
      assert.deepEqual([code, place()], [1, group('emulator').path]);
      assert.match(stdout, /sudo: a password is required/);
    });

    it('what was done on one host is not undone on another, whatever that is called', async () => {
      const other = await startSshd();
      const [here, there] = [to(client.config(sshd)), to(client.config(other))]; // both are web1
      assert.equal((await client.run('apply', NAME, '--yes', ...MOVE, ...here)).code, 0);
      const [id] = (await client.run('history')).stdout.split(' ');
      for (const [args, said] of [
        [['undo', '--yes', ...there], /nothing was applied on web1/],
        [['undo', id!, '--yes', ...there], new RegExp(`plan ${id} was applied on web1, and not on web1`)],
        [['undo', id!, '--yes'], new RegExp(`plan ${id} was applied on web1, and not on `)],
        [['undo', '--yes'], /nothing was applied on /],
      ] as const) {
        const { code, stderr } = await client.run(...args);
        assert.deepEqual([code, said.test(stderr), place()], [1, true, group('vcpu0').path], `${args.join(' ')}: ${stderr}`);
      }
      assert.equal((await client.run('history', ...there)).stdout, '');
      assert.ok((await client.run('history', ...here)).stdout.startsWith(id!));
      assert.equal((await client.run('undo', id!, '--yes', ...here)).code, 0);
      assert.equal(place(), group('emulator').path);
    });

    it('one host is one host, by whichever name it is reached', async () => {
      const config = client.config(sshd);
      writeFileSync(config, readFileSync(config, 'utf8').replace('Host web1', 'Host web1 web2'));
      assert.equal((await client.run('apply', NAME, '--yes', ...MOVE, ...to(config))).code, 0);
      assert.equal((await client.run('undo', '--yes', '--host', 'web2', '--ssh-config', config)).code, 0);
      assert.equal(place(), group('emulator').path);
    });
  });

  describe('without a terminal', () => {
    it('a key that nobody knows: refused, with what to do, before anything is said to it', async () => {
      const unknown = await startSshd();
      const { code, stdout, stderr } = await client.run('report', ...to(client.config(unknown, { known: '/dev/null' })));
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /^Needs its host key \(ssh-ed25519 SHA256:\S+\) to be accepted: web1 is not connected, and /);
      assert.match(stderr, TO_TERMINAL);
      assert.ok(!existsSync(client.accepted));
      assert.doesNotMatch(unknown.log(), /Accepted|Failed/);
    });

    for (const [what, options, said] of [
      ['a password', { config: ['AuthenticationMethods password'] }, /^Needs a password for op: web1/],
      ['a code', { config: ['UsePAM yes', 'KbdInteractiveAuthentication yes', 'AuthenticationMethods keyboard-interactive'] }, /^Needs an answer to "Password:": web1/],
    ] as const) {
      it(`${what} that is wanted: said so`, async () => {
        const { code, stderr } = await client.run('report', ...to(client.config(await startSshd(options))));
        assert.equal(code, 1);
        assert.match(stderr, said);
        assert.match(stderr, TO_TERMINAL);
      });
    }

    it('a key with a passphrase', async () => {
      const locked = makeKey(join(client.home, 'locked'), 'ed25519', 'open sesame');
      sshd.authorize(`${locked}.pub`);
      const { code, stderr } = await client.run('report', ...to(client.config(sshd, { key: locked })));
      assert.deepEqual([code, /^Needs the passphrase for \S+\/locked: web1/.test(stderr)], [1, true], stderr);
    });

    it('nobody is let in, nobody is there, another key, no such file: a sentence, and exit code 1', async () => {
      const stranger = makeKey(join(client.home, 'stranger'));
      const only = { key: stranger, lines: ['PasswordAuthentication no', 'KbdInteractiveAuthentication no'] };
      const nobody = { port: await freePort(), known: () => '/dev/null' };
      const other = await startSshd();
      const changed = join(client.home, 'changed');
      writeFileSync(changed, readFileSync(other.known(), 'utf8').replace(String(other.port), String(sshd.port)));
      for (const [config, said] of [
        [client.config(sshd, only), /^web1 lets nobody in with what was offered: .*stranger/],
        [client.config(nobody), /^web1 cannot be reached: .*ECONNREFUSED/],
        [client.config(sshd, { known: changed }), /^Host key changed: web1 shows /],
        [join(client.home, 'absent'), /absent cannot be used: .*ENOENT/],
      ] as const) {
        const { code, stderr } = await client.run('report', ...to(config));
        assert.deepEqual([code, said.test(stderr), stderr.split('\n').length], [1, true, 2], stderr);
      }
    });

    it('a signal ends the connection, and what runs there', async () => {
      const bin = newFolder('bin');
      writeFileSync(join(bin, 'ls'), '#!/bin/sh\nsleep 3600\n');
      chmodSync(join(bin, 'ls'), 0o755);
      const slow = await startSshd({ config: [`SetEnv PATH=${bin}:/usr/bin:/bin`] });
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        const { child, ended } = client.begin('report', ...to(client.config(slow)));
        while (!slow.processes().some(({ command }) => command.startsWith('sleep'))) await sleep(10);
        child.kill(signal);
        assert.deepEqual(await ended, { code: 1, stdout: '', stderr: 'Reading web1 was cancelled.\n' });
        await slow.nothingLeft();
      }
    });
  });

  describe('at a terminal', () => {
    const KEY = /Is it right\? \(yes\/no\) $/;

    it('a key that nobody knows: shown, asked until it is answered, remembered in a file of our own', async () => {
      const unknown = await startSshd();
      const known = join(client.home, 'known_hosts');
      writeFileSync(known, '');
      const config = client.config(unknown, { known });
      const { code, screen } = await client.atTerminal(['report', ...to(config)], [[KEY, 'y\r'], [KEY, 'yes\r']]);
      assert.equal(code, 0, screen);
      assert.match(screen, /web1: no known_hosts file has the host key of \[127\.0\.0\.1\]:\d+:\r\n {2}ssh-ed25519 SHA256:\S+\r\n.*ssh-keygen -lf \/etc\/ssh\/ssh_host_ed25519_key\.pub\r\n/);
      assert.equal(readFileSync(known, 'utf8'), '', 'the file of the user was written');
      assert.deepEqual([statSync(client.accepted).mode & 0o777, statSync(join(client.accepted, '..')).mode & 0o777], [0o600, 0o700]);
      assert.ok(client.acceptedKeys().startsWith(`[127.0.0.1]:${unknown.port} ssh-ed25519 `));
      assert.equal((await client.run('report', ...to(config))).code, 0, 'asked again');
    });

    for (const [what, typed] of [['no', 'no\r'], ['Ctrl+C', '\x03'], ['Ctrl+D', '\x04']] as const) {
      it(`${what}: not connected, nothing is remembered`, async () => {
        const unknown = await startSshd();
        const { code, screen } = await client.atTerminal(['report', ...to(client.config(unknown, { known: '/dev/null' }))], [[KEY, typed]]);
        assert.equal(code, 1);
        assert.match(screen, /Host key not accepted: web1 shows /);
        assert.ok(!existsSync(client.accepted));
      });
    }

    it('passwords, codes and passphrases are not shown', async () => {
      const locked = makeKey(join(client.home, 'locked'), 'ed25519', PASSWORD);
      sshd.authorize(`${locked}.pub`);
      for (const [config, question] of [
        [client.config(await startSshd({ config: ['AuthenticationMethods password'] })), /Password for op on web1: $/],
        [client.config(await startSshd({ config: ['UsePAM yes', 'KbdInteractiveAuthentication yes', 'AuthenticationMethods keyboard-interactive'] })), /op on web1 is asked: Password: $/],
        [client.config(sshd, { key: locked }), /Passphrase for \S+locked: $/],
      ] as const) {
        const { code, screen } = await client.atTerminal(['report', ...to(config)], [[question, 'wrong\r'], [question, `${PASSWORD}\r`]]);
        assert.equal(code, 0, screen);
        assert.ok(screen.includes(NAME));
        for (const secret of ['wrong', PASSWORD]) assert.ok(!screen.includes(secret), screen);
        const given = await client.atTerminal(['report', ...to(config)], [[question, '\x03']]);
        assert.deepEqual([given.code, /Not answered: web1 is not connected/.test(given.screen)], [1, true], given.screen);
      }
    });

    it('what a host asks is text, with who asks in front', async () => {
      const server = new SshServer({ hostKeys: [utils.generateKeyPairSync('ed25519').private] }, connection => {
        connection.on('error', () => undefined);
        connection.on('authentication', way => (way.method === 'keyboard-interactive' ? way.prompt([{ prompt: '\x1b[2JPassphrase for\n/root/.ssh/id: ', echo: false }], 'a\x07', 'b\u202e', () => way.reject()) : way.reject(['keyboard-interactive'])));
      });
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()));
      try {
        const { port } = server.address() as { port: number };
        const config = client.config({ port, known: () => '/dev/null' }, { lines: ['StrictHostKeyChecking accept-new'] });
        const { code, screen } = await client.atTerminal(['report', ...to(config)], [[/id: $/, '\x03']]);
        assert.equal(code, 1);
        assert.ok(screen.includes('op on web1 is asked: a\\u{7} · b\\u{202e} · \\u{1b}[2JPassphrase for /root/.ssh/id:'), screen);
        for (const char of ['\x1b[2J', '\x07', '\u202e']) assert.ok(!screen.includes(char), JSON.stringify(screen));
      } finally {
        server.close();
      }
    });

    it('apply asks, and does it', async () => {
      const { code, screen } = await client.atTerminal(['apply', NAME, ...MOVE, ...to(client.config(sshd))], [[/Do it\? \[y\/N\] $/, 'y\r']]);
      assert.deepEqual([code, place()], [0, group('vcpu0').path], screen);
      await sshd.nothingLeft();
    });
  });
});
