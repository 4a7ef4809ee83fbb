import assert from 'node:assert/strict';
import { hostEntries, resolveTarget } from '../../../src/core/host/sshConfig';
import { readLines } from '../../../src/core/host/sshConfigLines';
import { cases } from '../parse/table';
import { config, ENVIRONMENT, route, said } from './sshConfigs';

describe('what ssh_config says and we do not do', () => {
  for (const directive of [
    'ProxyCommand nc %h %p', 'CertificateFile ~/.ssh/id-cert.pub', 'ProxyUseFdpass yes', 'HostbasedAuthentication yes', 'PKCS11Provider /usr/lib/p11.so',
    'SmartcardDevice /usr/lib/p11.so', 'SecurityKeyProvider /usr/lib/sk.so', 'CanonicalizeHostname yes', 'CanonicalizeHostname always',
    'CanonicalizePermittedCNAMEs *', 'BindAddress 10.0.0.1', 'BindInterface eth0', 'AddressFamily inet6', 'AddressFamily inet', 'KnownHostsCommand /bin/x %H',
    'RevokedHostKeys /etc/ssh/revoked', 'VerifyHostKeyDNS yes', 'NoHostAuthenticationForLocalhost yes', 'RefuseConnection "moved"', 'Ciphers aes128-ctr', 'MACs -x',
    'KexAlgorithms +x', 'HostKeyAlgorithms ssh-rsa', 'PubkeyAcceptedKeyTypes +ssh-rsa', 'PubkeyAcceptedAlgorithms +ssh-rsa', 'CASignatureAlgorithms x', 'GSSAPIKexAlgorithms x',
    'RequiredRSASize 4096', 'Nonsense yes', '\u00a0User a', '\ufeffUser a', '"User" a',
  ]) {
    it(`${directive}: refused by name, with its place`, () => assert.equal(route('web')(`Host web\n ${directive} # why\n`), `unsupported-config 2: ${directive} # why`));
    it(`${directive}: of no matter to other hosts`, () => assert.equal(route('web')(`Host db\n ${directive}\n`), 'op@web:22'));
  }

  for (const directive of [
    'ProxyCommand none', 'ProxyUseFdpass no', 'HostbasedAuthentication no', 'PKCS11Provider none', 'SecurityKeyProvider internal', 'CanonicalizeHostname no', 'CanonicalizePermittedCNAMEs none',
    'AddressFamily any', 'KnownHostsCommand none', 'RevokedHostKeys none', 'VerifyHostKeyDNS ask', 'NoHostAuthenticationForLocalhost no', 'SendEnv LANG LC_*', 'LocalCommand touch "x', 'RemoteCommand x',
    'ControlPath ~/.ssh/%C', 'GSSAPIAuthentication yes', 'Tag x', 'UseKeychain yes', 'Protocol 2', 'ServerAliveInterval 5', 'ForwardAgent yes', 'BatchMode yes',
  ]) {
    it(`${directive}: passed over`, () => assert.equal(route('web')(directive), 'op@web:22'));
  }

  cases(route('web'), {
    'a ProxyCommand behind a ProxyJump does not count': ['Host web\n ProxyJump gw\n ProxyCommand nc', 'op@gw:22 → op@web:22'],
    'nor behind "ProxyJump none"': ['ProxyJump none\nProxyCommand nc', 'op@web:22'],
    'a ProxyJump behind a ProxyCommand does not count': ['ProxyCommand none\nProxyJump gw', 'op@web:22'],
    '"ProxyCommand none" with more behind it is a command': ['ProxyCommand none x', 'unsupported-config 1: ProxyCommand none x'],
    'a directive that an empty value seems to swallow': ['Tag=\nProxyCommand nc', 'unsupported-config 2: ProxyCommand nc'],
    'a keyword without a value does not swallow the next line': ['Compression\nProxyCommand nc', 'unsupported-config 2: ProxyCommand nc'],
    'the first value counts here too': ['BindAddress x\nHost web\n User a', 'unsupported-config 1: BindAddress x'],
    'algorithms of the system\'s policy are passed over': ['-- system\nMatch final all\n Ciphers aes256-gcm@openssh.com\n RequiredRSASize 2048\n GSSAPIAuthentication yes\n', 'op@web:22'],
    'all else of the system is not': ['-- system\nBindAddress x', 'unsupported-config 1: BindAddress x'],
    'unknown keywords that IgnoreUnknown names': ['IgnoreUnknown Foo*,UseX\nFooBar a\nusex b', 'op@web:22'],
    'unknown keywords before it': ['FooBar a\nIgnoreUnknown Foo*', 'unsupported-config 1: FooBar a'],
    'IgnoreUnknown makes nothing unknown that is known': ['IgnoreUnknown *\nProxyCommand nc', 'unsupported-config 2: ProxyCommand nc'],
  });
});

describe('Match', () => {
  const decided: Readonly<Record<string, boolean>> = {
    'all': true, 'host web': true, 'host=web': true, 'host WEB': true, 'host db,w*': true, 'host w*,!web': false, '!host web': false, '!host db': true, 'host db': false,
    'host web.example.com': false, 'originalhost web': true, 'originalhost db': false, 'user op': true, 'user OP': false, 'user root': false, 'localuser op': true, '!localuser op': false,
    'host web user op': true, 'host web user root': false, 'host web host db': false, 'final': true, 'canonical': true, 'exec "touch x" host db': false, 'host db exec "touch x"': false, 'tagged x user root': false,
  };
  for (const [criteria, applies] of Object.entries(decided)) {
    it(`${criteria}: ${applies ? 'applies' : 'does not apply'}`, () => assert.equal(route('web')(`Match ${criteria}\n Port 23${criteria === 'canonical' ? '\nMatch final' : ''}`), applies ? 'op@web:23' : 'op@web:22'));
  }

  for (const criteria of ['exec "touch x"', 'exec true', '!exec true', 'host web exec "touch x"', 'localnetwork 10.0.0.0/8', 'tagged x', 'version OpenSSH_9*', 'sessiontype exec', 'newcriterion x', 'final exec x']) {
    it(`${criteria}: cannot be decided, and is refused by name`, () => assert.equal(route('web')(`Match ${criteria}\n User a`), `unsupported-config 1: Match ${criteria}`));
    it(`${criteria}: is passed over where nothing in it matters`, () => assert.equal(route('web')(`Match ${criteria}\n SendEnv LANG\n ForwardAgent yes\nHost web\n Port 23`), 'op@web:23'));
    it(`${criteria}: is passed over where all in it is already decided`, () => assert.equal(route('web')(`User a\nMatch ${criteria}\n User b`), 'a@web:22'));
  }

  cases(route('web'), {
    'host is that of HostName, as far as it is known': ['Match host web.example.com\n Port 23\nHost web\n HostName web.example.com\nMatch host web.example.com\n User a', 'a@web.example.com:22'],
    'user is that of the lines before': ['User root\nMatch user root\n Port 23', 'root@web:23'],
    'Host ends a Match': ['Match host db\n User a\nHost web\n Port 23', 'op@web:23'],
    'final lets Host match the name that HostName gave': ['Host web\n HostName web.example.com\nHost *.example.com\n User a\n-- system\nMatch final all\n', 'a@web.example.com:22'],
    'without final it does not': ['Host web\n HostName web.example.com\nHost *.example.com\n User a\n', 'op@web.example.com:22'],
    'a host of that name is no final': ['Match host final\nHost web\n HostName web.example.com\nHost *.example.com\n User a\n', 'op@web.example.com:22'],
    'final comes after all else': ['Match final\n User a\n Port 23\nHost web\n User b', 'b@web:23'],
    'HostName is found once': ['Match final\n HostName db\n', 'op@web:22'],
    'without a criterion': ['Match\n User a', 'bad-config 1: Match: nothing can be made of it'],
    'without a value': ['Match host\n User a', 'bad-config 1: Match host: it cannot be read'],
    'the library reads no "!final" and no "!all"': ['Match !final\n User a', 'bad-config 1: Match !final: it cannot be read'],
  });

  it('user@name comes before all', () => assert.equal(route('root@web')('User bob\nMatch user root\n Port 23'), 'root@web:23'));
});

describe('host entries', () => {
  it('are names without wildcards, once each, in order, with what they become or what stands in the way', () => {
    const text = 'Host web db w?b !x *\n User a\nHost db\n HostName 10.0.0.1\nHost gw old.host\n ProxyCommand nc\nHost web -x a;b\nHost in\n ProxyJump gw\n-- system\nHost sys\n Port x\n';
    const nothing = { hostName: undefined, user: undefined, refused: undefined };
    const file = '/home/op/.ssh/config';
    assert.deepEqual(hostEntries(config(text), ENVIRONMENT), [
      { ...nothing, alias: 'web', hostName: 'web', user: 'a' },
      { ...nothing, alias: 'db', hostName: '10.0.0.1', user: 'a' },
      { ...nothing, alias: 'gw', refused: { directive: 'ProxyCommand nc', file, line: 6 } },
      { ...nothing, alias: 'old.host', refused: { directive: 'ProxyCommand nc', file, line: 6 } },
      { ...nothing, alias: 'in', refused: { directive: 'ProxyCommand nc', file, line: 6 } },
      { ...nothing, alias: 'sys', refused: { directive: 'Port x: it is no port', file: '/etc/ssh/ssh_config', line: 2 } },
    ]);
  });

  it('are all named, however many there are', () => { // quickly: the test's own time-out tells
    const many = [readLines(Array.from({ length: 20_000 }, (_, i) => `Host h${i} *a*a*a*a*b\n User a`).join('\n'), 'f')];
    assert.equal(hostEntries(many, ENVIRONMENT).length, 20_000);
  });
});

/** What has no end here ends in the test's own time-out. */
describe('a file that wants to hold us up', () => {
  const name = 'a'.repeat(200);
  const texts: Readonly<Record<string, string>> = {
    'patterns of many stars': `Host ${`${'*a'.repeat(100)}b `.repeat(1000)}\n User a`,
    'one long line': `User ${'a '.repeat(500_000)}`,
    'blanks without end': `User a${' '.repeat(1_000_000)}b`,
    'equals signs without end': `User ${'='.repeat(1_000_000)}`,
    'backslashes without end': `LocalCommand ${'\\'.repeat(1_000_001)}`,
    'a quote without end': `Match exec "${'x'.repeat(1_000_000)}`,
    'tokens without end': `IdentityFile ${'%%'.repeat(500_000)}`,
    'variables without end': `IdentityFile ${'${'.repeat(300_000)}`,
    'hops without end': `ProxyJump ${'a,'.repeat(500_000)}a`,
    'criteria without end': `Match ${'host * '.repeat(100_000)}\n User a`,
    'many files of keys': 'IdentityFile /x\n'.repeat(60_000),
  };
  for (const [what, text] of Object.entries(texts)) {
    it(what, () => {
      try {
        resolveTarget([readLines(text, 'f')], name, ENVIRONMENT);
      } catch (error) {
        assert.match(said(error), /^(bad|unsupported)-config 1|^bad-config 101/);
      }
    });
  }
});
