import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { SshError } from '../../src/core/errors';
import { resolveTarget } from '../../src/core/host/sshConfig';
import { readSshConfig } from '../../src/core/host/sshConfigFiles';
import type { SshEnvironment } from '../../src/core/host/sshEnvironment';
import type { SshTarget } from '../../src/core/host/sshTarget';

// `ssh -G` shows what ssh makes of a file. With -F the system's file is left out, and `~` is still the home of the
// password database: the files here name it in full, or not at all.
const { homedir, username, uid } = userInfo();

describe('ssh_config, as ssh -G reads it', () => {
  let folder: string;
  let environment: SshEnvironment;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-ssh-G-'));
    environment = { home: homedir, userName: username, uid, localHostName: hostname(), env: { ...process.env, KEYS: '/keys' }, platform: 'linux', systemFolder: '/etc/ssh', pipes: [] };
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(files: Readonly<Record<string, string>>): void {
    rmSync(join(folder, '.ssh'), { recursive: true, force: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, '.ssh', name)), { recursive: true });
      writeFileSync(join(folder, '.ssh', name), text.replaceAll('FOLDER', join(folder, '.ssh')));
    }
  }

  /** Our reader looks into the folder as into a home, and knows of the real one for `~`. */
  async function ours(name: string): Promise<SshTarget | SshError> {
    try {
      const config = await readSshConfig({ ...environment, home: folder, systemFolder: join(folder, 'etc') });
      return resolveTarget(config, name, environment);
    } catch (error) {
      if (SshError.is(error)) return error;
      throw error;
    }
  }

  function theirs(name: string): ReadonlyMap<string, readonly string[]> | undefined {
    const { status, stdout } = spawnSync('ssh', ['-G', '-F', join(folder, '.ssh/config'), '--', name], { encoding: 'utf8', input: '', env: environment.env });
    if (status !== 0) return undefined;
    const values = new Map<string, string[]>();
    for (const line of stdout.split('\n')) {
      const [, key, value] = /^(\S+) (.*)$/.exec(line) ?? [];
      if (key !== undefined) values.set(key, [...(values.get(key) ?? []), value!]);
    }
    return values;
  }

  /** Whether there was something to compare: both sides have an answer. */
  async function compare(name: string): Promise<boolean> {
    const target = await ours(name);
    const said = theirs(name);
    if (target instanceof Error || said === undefined) return false;
    const one = (key: string): string | undefined => said.get(key)?.[0];
    assert.deepEqual(
      { host: target.hostName, user: target.user, port: String(target.port), only: target.identitiesOnly, knownHosts: target.knownHostsFiles },
      { host: one('hostname'), user: one('user'), port: one('port'), only: one('identitiesonly') === 'yes', knownHosts: [...files(one('userknownhostsfile')), ...files(one('globalknownhostsfile'))] },
    );
    // ssh -G shows these as they are written: without tokens, and with kinds of keys that are left out here.
    const keys = (said.get('identityfile') ?? []).filter(file => !/_sk$|_xmss$|_dsa$/.test(file) && file !== 'none');
    assert.deepEqual(target.identityFiles, [...new Set(keys.map(file => file.replace(/^~/, homedir).replaceAll('%h', target.hostName).replaceAll('%r', target.user).replaceAll('${KEYS}', '/keys')))]);
    assert.equal(target.unknownHostKeys, { true: 'refuse', ask: 'ask', false: 'accept-new', 'accept-new': 'accept-new' }[one('stricthostkeychecking')!]);
    const agent = one('identityagent');
    assert.equal(target.agent, agent === undefined || agent === 'SSH_AUTH_SOCK' ? environment.env['SSH_AUTH_SOCK'] : agent === 'none' ? undefined : agent);
    const alias = one('hostkeyalias');
    assert.equal(target.hostKeyName, alias ?? (target.port === 22 ? target.hostName : `[${target.hostName}]:${target.port}`));
    const enabled = { publickey: 'pubkeyauthentication', 'keyboard-interactive': 'kbdinteractiveauthentication', password: 'passwordauthentication' } as const;
    assert.deepEqual([...target.authentications], (Object.keys(enabled) as (keyof typeof enabled)[]).filter(way => !['no', 'false'].includes(one(enabled[way])!)));
    assert.equal(target.jumps.at(-1)?.alias, lastHop(one('proxyjump')));
    return true;
  }

  const written: Readonly<Record<string, { readonly files: Readonly<Record<string, string>>; readonly names: readonly string[]; readonly refused?: readonly string[] }>> = {
    'nothing': { files: { config: '' }, names: ['web', 'bob@web', 'WEB', '10.0.0.1', '::1', 'bob@corp@web'] },
    'entries': { files: { config: 'Host web w?b* !webx\n HostName %h.example.com\n User root\n Port=2222\nHost *\n User "op"\n IdentityFile ~/a\n' }, names: ['web', 'webx', 'weba', 'bob@web', 'db', 'wb'] },
    'words and quotes': { files: { config: `hostname = "web".'example'.com # x\nHOSTNAME x\nuser 'a b'\nPORT "23"\nidentityfile "/my key"\nIdentityFile /my\\ other#x # y\nIdentityFile '/x'y"z"\nUserKnownHostsFile /a "/b" /d\\\\e # f\nHostKeyAlias "A\\"b"\nHost "web" 'db'\n IdentitiesOnly yes` }, names: ['web', 'db', 'x'] },
    'ends of lines': { files: { config: 'Host web \t\r\n  User\ta \f\r\nPort 23\f' }, names: ['web'] },
    'keys add up': { files: { config: 'IdentityFile /a\nIdentityFile ${KEYS}/%h\nHost web\n IdentityFile none\n IdentityFile /a\n IdentityFile ~/b-%r\n IdentitiesOnly yes' }, names: ['web', 'db'] },
    'agents': { files: { config: 'Host a\n IdentityAgent none\nHost b\n IdentityAgent SSH_AUTH_SOCK\nHost c\n IdentityAgent ~/s-%h-%n-%p-%r-%u-%d-%i-%L-%l-%k-%%\nHost d\n IdentityAgent ${KEYS}/s\n' }, names: ['a', 'b', 'c', 'd', 'bob@c', 'e'] },
    'known hosts': { files: { config: 'Host a\n UserKnownHostsFile none\n GlobalKnownHostsFile none\nHost b\n UserKnownHostsFile ~/%h /x\n GlobalKnownHostsFile /y /z\n StrictHostKeyChecking no\n HostKeyAlias Other-Name\nHost *\n Port 2222\n StrictHostKeyChecking accept-new\n UserKnownHostsFile /not/this' }, names: ['a', 'b', 'c'] },
    'proxies': { files: { config: 'Host a\n ProxyJump none\nHost b\n ProxyJump x,bob@y:23\nHost c\n ProxyCommand none\nHost d\n ProxyJump [::1]:24 # comment\nHost e\n ProxyJump x\n ProxyCommand nc\nHost f\n ProxyCommand nc\nHost a b c d\n ProxyJump z' }, names: ['a', 'b', 'c', 'd', 'e', 'g'], refused: ['f'] },
    'ways in': { files: { config: 'Host a\n PasswordAuthentication no\n ChallengeResponseAuthentication no\nHost b\n PubkeyAuthentication no\nHost c\n PubkeyAuthentication host-bound\n KbdInteractiveAuthentication NO\nHost d\n SkeyAuthentication no\n DSAAuthentication no' }, names: ['a', 'b', 'c', 'd', 'e'] },
    'Match': { files: { config: 'Match host web.example.com\n User no\nHost web\n HostName web.example.com\nMatch host *.example.com user op\n Port 1\nMatch host *.example.com,!db.* originalhost web\n User yes\nMatch user yes\n Port 23\nMatch !host x all\n IdentityFile /all\nMatch localuser nobody-here exec "false"\n User z' }, names: ['web', 'db', 'bob@web'] },
    'Match final': { files: { config: 'Match final host *.example.com\n User final\nHost web\n HostName web.example.com\nHost *.example.com\n Port 23\n HostName other\nMatch canonical\n IdentityFile /c\nHost *\n IdentityFile /all' }, names: ['web', 'db.example.com', 'x'] },
    'Match final where nothing applies': { files: { config: 'Host db\n Include FOLDER/more\nHost web\n HostName web.x\nHost *.x\n User a', more: 'Match final\n Port 23' }, names: ['web', 'db'] },
    'Include': { files: { config: 'Include FOLDER/d/*.conf FOLDER/none "FOLDER/e f"\nHost web\n Include FOLDER/in\n Port 24\nHost *\n User last', 'd/20.conf': 'User b', 'd/10.conf': 'Host web\n User a\nHost db\n Port 25', 'd/.x.conf': 'User hidden', 'e f': 'IdentityFile /ef', in: 'IdentityFile /in\nHost db\n IdentityFile /db\nMatch all\n IdentityFile /match' }, names: ['web', 'db', 'x'] },
    'what is passed over': { files: { config: 'IgnoreUnknown Foo*,UseKeychain\nFooBar 1\nUseKeychain yes\nSendEnv LANG\nCompression yes\nControlMaster auto\nControlPath ~/.ssh/%C\nControlPersist 5m\nForwardAgent yes\nLocalForward 1 a:2\nServerAliveInterval 5\nProtocol 2\nUseRoaming no\nLogLevel DEBUG\nRemoteCommand x\nUser a' }, names: ['web'] },
  };
  for (const [what, { files: texts, names, refused = [] }] of Object.entries(written)) {
    it(what, async () => {
      write(texts);
      for (const name of names) assert.ok(await compare(name), `${name}: both have an answer`);
      for (const name of refused) assert.ok((await ours(name)) instanceof SshError, name);
    });
  }

  const value: fc.Arbitrary<string> = fc.constantFrom('a', 'web', '"a b"', "'q'", 'a\\ b', 'x#y', 'z # c', '%h', '""', 'none', 'yes', 'no', '22', '2222', '=a', '"a', '/f', '~/g-%h', '${KEYS}/k', '[::1]', 'a,b', 'bob@x:23');
  const fitting = fc.oneof(
    ...[['HostName', ['a', '%h.example.com', 'x%h', 'Web', '"b"', '10.0.0.1']], ['User', ['u', 'v', '"w"', "'x' # c"]], ['Port', ['23', '24', '"25"']], ['IdentityFile', ['/a', '~/b', 'none', '${KEYS}/%h', '"/c d"', '/%r']], ['IdentitiesOnly', ['yes', 'no', 'TRUE']],
      ['IdentityAgent', ['none', 'SSH_AUTH_SOCK', '/s-%n', '~/s']], ['ProxyJump', ['none', 'a', 'x,y', 'bob@z:23']], ['ProxyCommand', ['none', 'nc']], ['HostKeyAlias', ['K', 'l']], ['UserKnownHostsFile', ['none', '/a /b', '"/c d"']], ['StrictHostKeyChecking', ['yes', 'off', 'ask', 'accept-new']],
      ['PasswordAuthentication', ['no', 'yes']], ['Compression', ['yes']], ['SendEnv', ['LANG']], ['IgnoreUnknown', ['foo*']], ['FooBar', ['x']]].map(([keyword, values]) => fc.constantFrom(...(values as string[])).map(text => `${keyword as string} ${text}`)),
  );
  const wild = fc.tuple(fc.constantFrom('HostName', 'User', 'Port', 'IdentityFile', 'IdentityAgent', 'HostKeyAlias', 'UserKnownHostsFile', 'IdentitiesOnly', 'ProxyJump'), fc.constantFrom(' ', '=', ' = ', '\t', '  '), value, fc.constantFrom('', '', '', ' b', ' ', '\r')).map(parts => parts.join(''));
  const pattern = fc.constantFrom('web', 'db', 'w*', '*b', 'w?b', '!web', '!d*', '*', '"web"', '*.example.com', 'a');
  const block = fc.oneof(
    { weight: 3, arbitrary: fc.array(pattern, { minLength: 1, maxLength: 3 }).map(patterns => `Host ${patterns.join(' ')}`) },
    { weight: 1, arbitrary: fc.array(fc.tuple(fc.constantFrom('host', 'originalhost', 'user', '!host', '!user', 'Host'), fc.constantFrom('web', 'w*,!web', '*.example.com', 'u', 'u,v', '*')).map(parts => parts.join(' ')), { minLength: 1, maxLength: 2 }).map(criteria => `Match ${criteria.join(' ')}`) },
    { weight: 1, arbitrary: fc.constantFrom('Match all', 'Match final', 'Match canonical all', 'Include FOLDER/more', 'Include FOLDER/d/*') },
  );
  const lines = (wildness: number): fc.Arbitrary<string> => fc.array(fc.oneof({ weight: 3, arbitrary: block }, { weight: 8, arbitrary: fitting.map(text => ` ${text}`) }, { weight: wildness, arbitrary: wild.map(text => `\t${text}`) }), { minLength: 1, maxLength: 14 }).map(all => all.join('\n'));
  const plain = (text: string): string => text.replace(/Include .*/g, 'Match all');

  for (const seed of [1, 2, 3, 4]) {
    it(`random files (seed ${seed})`, async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(lines(seed % 2), lines(0), lines(0), fc.constantFrom('web', 'db', 'v@web', 'WEB', 'a.example.com'), async (config, more, d, name) => {
          write({ config, more: plain(more), 'd/x': plain(d), 'd/y': 'Port 26' });
          compared += Number(await compare(name));
        }),
        { seed, numRuns: 100 },
      );
      assert.ok(compared > 40, `${compared} of 100 could be compared`);
    });
  }

  it('nothing is run, whatever a file or a name says', async () => {
    const trap = join(folder, 'trap');
    const command = `touch ${trap}/x`;
    mkdirSync(trap);
    for (const line of [`Match exec "${command}"\n User a`, `Match host web exec "${command}"\n User a`, `ProxyCommand ${command}`, `KnownHostsCommand ${command}`, `LocalCommand ${command}\nPermitLocalCommand yes`, `RemoteCommand ${command}`, `HostName $(${command})`, `User $(${command})`, `User \`${command}\``, `IdentityAgent $(${command})`, `IdentityFile /$(${command})`, `ProxyJump -oProxyCommand=${command}`, `Include $(${command})`, `SecurityKeyProvider ${command}`]) {
      write({ config: line });
      for (const name of ['web', `-oProxyCommand=${command}`, `$(${command})`, `web;${command}`, `a@web\nProxyCommand ${command}`]) await ours(name);
    }
    assert.deepEqual(readdirSync(trap), []);
  });
});

function files(value: string | undefined): string[] {
  return value === undefined || value === 'none' ? [] : value.split(/ (?=\/)/);
}

function lastHop(proxyJump: string | undefined): string | undefined {
  return proxyJump?.split(',').at(-1);
}
