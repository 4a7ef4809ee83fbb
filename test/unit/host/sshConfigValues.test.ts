import assert from 'node:assert/strict';
import { resolveTarget } from '../../../src/core/host/sshConfig';
import { cases } from '../parse/table';
import { config, ENVIRONMENT, field } from './sshConfigs';

const line = (text: string) => `unsupported-config 1: ${text}`;

describe('files of keys', () => {
  const DEFAULTS = ['/home/op/.ssh/id_rsa', '/home/op/.ssh/id_ecdsa', '/home/op/.ssh/id_ed25519'];
  cases<unknown>(field('identityFiles'), {
    'those that ssh looks for by itself': ['', DEFAULTS],
    'they add up, once each, in order': ['IdentityFile ~/b\nHost web\n IdentityFile /a\n IdentityFile ~/b\n-- system\nIdentityFile /c', ['/home/op/b', '/a', '/c']],
    'none': ['IdentityFile none', []],
    'none among others': ['IdentityFile None\nIdentityFile /a', ['/a']],
    'tokens': ['Host web\n HostName w\n User u\n Port 23\n HostKeyAlias K\n IdentityFile %d/%h/%n/%p/%r/%u/%%/%k/%l/%L/%i', ['/home/op/w/web/23/u/op/%/k/desk.example.com/desk/1000']],
    'what a token brings is not looked at again': ['Host web\n HostName x%%h\n IdentityFile /%h', ['/x%h']],
    'variables': ['IdentityFile ${KEYS}/a', ['/keys/a']],
    'spaces and quotes': ['IdentityFile "~/my key"\nIdentityFile ~/my\\ other\nIdentityFile \'/a#b\'', ['/home/op/my key', '/home/op/my other', '/a#b']],
    'a # in a name': ['IdentityFile /a#b', ['/a#b']],
    'a variable that is not set': ['IdentityFile ${NONE}/a', 'bad-config 1: IdentityFile ${NONE}/a: nothing is known of "${NONE}"'],
    'a variable without its end': ['IdentityFile /${KEYS', 'bad-config 1: IdentityFile /${KEYS: nothing is known of "${KEYS"'],
    'a variable of JavaScript\'s objects': ['IdentityFile /${constructor}', 'bad-config 1: IdentityFile /${constructor}: nothing is known of "${constructor}"'],
    'a token that is not known here': ['IdentityFile /%C', line('IdentityFile /%C')],
    'a percent sign at the end': ['IdentityFile /a%', 'bad-config 1: IdentityFile /a%: nothing is known of "%"'],
    'another person\'s home': ['IdentityFile ~root/a', line('IdentityFile ~root/a')],
    'a path that is another one in each folder': ['IdentityFile a', line('IdentityFile a')],
  });

  cases<unknown>(field('identitiesOnly'), {
    'IdentitiesOnly is off by itself': ['', false],
    'IdentitiesOnly yes': ['IdentitiesOnly Yes', true],
    'IdentitiesOnly with something else': ['IdentitiesOnly maybe', 'bad-config 1: IdentitiesOnly maybe: it is none of yes, true, no, false'],
  });
});

describe('the agent', () => {
  cases<unknown>(field('agent'), {
    'that of the environment': ['', '/run/agent'],
    'by that name': ['IdentityAgent SSH_AUTH_SOCK', '/run/agent'],
    'none': ['IdentityAgent none', undefined],
    'a socket': ['IdentityAgent ~/.agent/%h', '/home/op/.agent/web'],
    'the name of a variable': ['IdentityAgent $KEYS', '/keys'],
    'the name of a variable that is not set, or empty': ['IdentityAgent $NONE', undefined],
    'what can be no name of a variable': ['IdentityAgent $(x)', 'bad-config 1: IdentityAgent $(x): it is not the name of a variable'],
    'a variable in a path': ['IdentityAgent ${KEYS}/s', '/keys/s'],
    'a relative path': ['IdentityAgent s', line('IdentityAgent s')],
  });

  const PIPE = '\\\\.\\pipe\\openssh-ssh-agent';
  const platforms: Readonly<Record<string, readonly [platform: NodeJS.Platform, socket: string | undefined, text: string, expected: string | undefined]>> = {
    'Linux without one': ['linux', undefined, '', undefined],
    'Linux with an empty variable': ['linux', '', '', undefined],
    'macOS with one': ['darwin', '/private/tmp/agent', '', '/private/tmp/agent'],
    'Windows: ssh\'s own pipe': ['win32', undefined, '', PIPE],
    'Windows with a variable': ['win32', '//./pipe/other', '', '//./pipe/other'],
    'Windows: none': ['win32', undefined, 'IdentityAgent none', undefined],
    'Windows: the pipe of Pageant, as Pageant writes it down': ['win32', undefined, 'IdentityAgent "//./pipe/pageant.op.1f"', '//./pipe/pageant.op.1f'],
    'Windows: a pipe with its backslashes doubled, as ssh wants them': ['win32', undefined, 'IdentityAgent \\\\\\\\.\\\\pipe\\\\x', '\\\\.\\pipe\\x'],
  };
  const agents: Readonly<Record<string, readonly [pipes: readonly string[], expected: string]>> = {
    'ssh\'s own, whoever else listens': [['pageant.op.1f', 'openssh-ssh-agent'], PIPE],
    'Pageant\'s, where ssh\'s own is not there': [['x', 'pageant.op.1f'], '\\\\.\\pipe\\pageant.op.1f'],
    'not the Pageant of another user': [['pageant.opera.1f', 'pageant.root.1f'], PIPE],
  };
  for (const [name, [pipes, expected]] of Object.entries(agents)) {
    it(`Windows: ${name}`, () => assert.equal(field('agent', { platform: 'win32', env: {}, home: 'C:\\Users\\op', pipes })(''), expected));
  }
  for (const [name, [platform, socket, text, expected]] of Object.entries(platforms)) {
    it(name, () => assert.equal(field('agent', { platform, env: socket === undefined ? {} : { SSH_AUTH_SOCK: socket }, home: platform === 'win32' ? 'C:\\Users\\op' : '/home/op' })(text), expected));
  }
});

describe('known hosts', () => {
  cases<unknown>(field('knownHostsFiles'), {
    'where ssh has them': ['', ['/home/op/.ssh/known_hosts', '/home/op/.ssh/known_hosts2', '/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']],
    'other files': ['UserKnownHostsFile ~/a "/b c" /%h\nGlobalKnownHostsFile /d', ['/home/op/a', '/b c', '/web', '/d']],
    'none at all': ['UserKnownHostsFile none\nGlobalKnownHostsFile NONE', []],
    'tokens mean nothing in the system\'s': ['GlobalKnownHostsFile /%h', line('GlobalKnownHostsFile /%h')],
    'no file': ['UserKnownHostsFile ""', 'bad-config 1: UserKnownHostsFile "": it cannot be read'],
  });

  cases<unknown>(field('hostKeyName'), {
    'the name': ['HostName Web.Example.com', 'web.example.com'],
    'the name with its port': ['Port 2222', '[web]:2222'],
    'another name, which has no port': ['Port 2222\nHostKeyAlias Cluster', 'cluster'],
  });

  cases<unknown>(field('unknownHostKeys'), {
    'are asked about': ['', 'ask'],
    'StrictHostKeyChecking yes': ['StrictHostKeyChecking yes', 'refuse'],
    'StrictHostKeyChecking accept-new': ['StrictHostKeyChecking accept-new', 'accept-new'],
    'StrictHostKeyChecking no is never worse than accept-new': ['StrictHostKeyChecking no', 'accept-new'],
    'StrictHostKeyChecking OFF': ['StrictHostKeyChecking OFF', 'accept-new'],
    'StrictHostKeyChecking with something else': ['StrictHostKeyChecking x', 'bad-config 1: StrictHostKeyChecking x: it is none of yes, true, ask, no, false, off, accept-new'],
  });
});

describe('ways in', () => {
  cases<unknown>(field('authentications'), {
    'all of them, in the order of ssh': ['', ['publickey', 'keyboard-interactive', 'password']],
    'without passwords': ['PasswordAuthentication no\nChallengeResponseAuthentication no', ['publickey']],
    'without keys': ['PubkeyAuthentication no', ['keyboard-interactive', 'password']],
    'with keys that are bound to a host': ['PubkeyAuthentication host-bound', ['publickey', 'keyboard-interactive', 'password']],
    'two names of one setting': ['KbdInteractiveAuthentication yes\nChallengeResponseAuthentication no', ['publickey', 'keyboard-interactive', 'password']],
    'as preferred': ['PreferredAuthentications gssapi-with-mic,password,publickey', ['password', 'publickey']],
    'preferred and switched off': ['PreferredAuthentications password,publickey\nPasswordAuthentication no', ['publickey']],
    'none that we know': ['PreferredAuthentications hostbased', []],
  });
});

it('a target says what the person called it, and its hops how they are spelled', () => {
  const target = resolveTarget(config('Host web\n ProxyJump bob@[::1]:23'), 'op@web:24', ENVIRONMENT);
  assert.deepEqual([target.alias, target.jumps.map(({ alias, jumps }) => [alias, jumps])], ['op@web:24', [['bob@[::1]:23', []]]]);
});
