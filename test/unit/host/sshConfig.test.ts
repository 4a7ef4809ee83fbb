import assert from 'node:assert/strict';
import { splitWords } from '../../../src/core/host/sshConfigLines';
import { cases } from '../parse/table';
import { route } from './sshConfigs';

describe('words of a line of ssh_config', () => {
  cases<readonly string[] | undefined>(splitWords, {
    'blanks and tabs part them': ['a\t b  c ', ['a', 'b', 'c']],
    'double quotes hold them together': ['"a b" c', ['a b', 'c']],
    'single quotes do too, and double ones inside are letters': [`'a "b' c`, ['a "b', 'c']],
    'quotes in the middle of a word': ['a"b c"d', ['ab cd']],
    'a backslash before a quote, a backslash, a space': [`a\\"b c\\\\d e\\ f \\'`, ['a"b', 'c\\d', 'e f', "'"]],
    'a backslash before all else is itself': ['C:\\Users\\op', ['C:\\Users\\op']],
    'in quotes a backslash before a space is itself': ['"a\\ b"', ['a\\ b']],
    'a comment begins with a word': ['a # b', ['a']],
    'a # inside a word is a letter': ['a#b', ['a#b']],
    'an empty word': ['"" a', ['', 'a']],
    'a quote that is not closed': ['a "b', undefined],
    'a no-break space is a letter': ['a\u00a0b', ['a\u00a0b']],
  });
});

describe('where a host is', () => {
  cases(route('web'), {
    'nothing is said of it': ['', 'op@web:22'],
    'by its entry': ['Host web\n HostName web.example.com\n Port 2222\n User root\n', 'root@web.example.com:2222'],
    'keywords in any case, with an equals sign, in quotes, with comments': ['HOST web\n\thostname="web.example.com" # here\n pOrT = 2222\r\n#x\n user \'root\'', 'root@web.example.com:2222'],
    'the first value counts': ['User a\nHost web\n User b\n', 'a@web:22'],
    'the user\'s file comes before the system\'s': ['Host web\n User a\n-- system\nUser b\nPort 2222\n', 'a@web:2222'],
    'other entries do not count': ['Host db web2\n User a\nHost *.web we\n User b', 'op@web:22'],
    'wildcards': ['Host w?b\n User a\nHost *\n Port 23', 'a@web:23'],
    'a ? is never nothing': ['Host web?\n User a', 'op@web:22'],
    'negation wins, wherever it stands': ['Host * !web\n User a\nHost !w* *\n User b', 'op@web:22'],
    'negation alone matches nothing': ['Host !db\n User a', 'op@web:22'],
    'patterns are in the case in which they are typed': ['Host WEB\n User a', 'op@web:22'],
    'a list with commas is no list here': ['Host db,web\n User a', 'op@web:22'],
    '%h in HostName': ['Host web\n HostName %h.example.com', 'op@web.example.com:22'],
    '%% in HostName': ['Host web\n HostName fe80::1%%eth0', 'op@fe80::1%eth0:22'],
    'other tokens in HostName': ['Host web\n HostName %n', 'unsupported-config 2: HostName %n'],
    'capitals in HostName': ['Host web\n HostName Web.Example.COM', 'op@web.example.com:22'],
    'a port that is none': ['Port 65536', 'bad-config 1: Port 65536: it is no port'],
    'a port by its name': ['Port ssh', 'bad-config 1: Port ssh: it is no port'],
    'too many words': ['User a b', 'bad-config 1: User a b: too much stands behind the keyword'],
    'no word': ['User', 'bad-config 1: User: nothing stands behind the keyword'],
    'an empty word': ['User ""', 'bad-config 1: User "": nothing stands behind the keyword'],
    'a quote that is not closed': ['User "a', 'bad-config 1: User "a: it cannot be read'],
    'a quote that is not closed in a Host': ['Host "web\n User a', 'bad-config 1: Host "web: it cannot be read'],
    'a mistake in what does not apply': ['Host db\n Port 65536\n Nonsense', 'op@web:22'],
    'a user with a token: what it means depends on the version': ['User %u', 'unsupported-config 1: User %u'],
    'a user that is an option': ['User -oProxyCommand=x', 'bad-config 1: User -oProxyCommand=x: it is not the name of a user'],
    'a host that is an option': ['HostName -oProxyCommand=x', 'bad-config 1: HostName -oProxyCommand=x: it is not the name of a host'],
    'a host that a shell would run': ['HostName $(x)', 'bad-config 1: HostName $(x): it is not the name of a host'],
    'a keyword of JavaScript\'s objects': ['constructor x', 'unsupported-config 1: constructor x'],
  });

  const named: Readonly<Record<string, readonly [name: string, expected: string]>> = {
    'with a user, who comes before that of ssh_config': ['bob@web', 'bob@web.example.com:2222'],
    'with a port, which comes before that of ssh_config': ['web:23', 'root@web.example.com:23'],
    'with both': ['bob@web:23', 'bob@web.example.com:23'],
    'of a user with an at sign': ['bob@corp@web', 'bob@corp@web.example.com:2222'],
    'an IPv6 address': ['::1', 'op@::1:22'],
    'an IPv6 address with a port': ['[::1]:23', 'op@::1:23'],
    'an IPv6 address in brackets': ['[fe80::1%eth0]', 'op@fe80::1%eth0:22'],
    'a name in capitals': ['WEB', 'op@web:22'],
  };
  for (const [name, [asked, expected]] of Object.entries(named)) {
    it(name, () => assert.equal(route(asked)('Host web\n HostName web.example.com\n Port 2222\n User root'), expected));
  }

  for (const name of ['', '-oProxyCommand=x', 'bob@', '@web', '-l@web', 'web\nHost x', 'web x', '$(x)', '`x`', 'web;x', 'web:0', 'web:65536', '[web', '[a]b', 'a|b', "a'b", 'web\u202e', 'bob;x@web', 'ssh://web', 'w*b', '\0']) {
    it(`${JSON.stringify(name)} is no name of a host`, () => assert.equal(route(name)('Host *\n User a'), 'bad-config it is not the name of a host'));
  }
});

const MANY = Array.from({ length: 16 }, (_, i) => `h${i}`).join();

describe('hosts on the way', () => {
  cases(route('web'), {
    'none': ['ProxyJump none', 'op@web:22'],
    'one, with its own entry': ['Host web\n ProxyJump gw\nHost gw\n HostName 10.0.0.1\n User jump\n Port 2222', 'jump@10.0.0.1:2222 → op@web:22'],
    'with a user and a port, which come before its entry': ['Host web\n ProxyJump bob@gw:23\nHost gw\n HostName 10.0.0.1\n User jump', 'bob@10.0.0.1:23 → op@web:22'],
    'several': ['Host web\n ProxyJump a,bob@b:23,[::1]:24', 'op@a:22 → bob@b:23 → op@::1:24 → op@web:22'],
    'the own ProxyJump of the first one counts': ['Host web\n ProxyJump a,b\nHost a\n ProxyJump c', 'op@c:22 → op@a:22 → op@b:22 → op@web:22'],
    'the own ProxyJump of the others does not: the one before takes its place': ['Host web\n ProxyJump a,b\nHost b\n ProxyJump c', 'op@a:22 → op@b:22 → op@web:22'],
    'their users are their own': ['Host web\n User root\n ProxyJump gw', 'op@gw:22 → root@web:22'],
    'the first ProxyJump counts': ['ProxyJump none\nProxyJump gw', 'op@web:22'],
    'a comment behind it': ['Host web\n ProxyJump gw # or a,b', 'op@gw:22 → op@web:22'],
    'itself': ['Host *\n ProxyJump gw', 'bad-config at gw 2: ProxyJump gw: it goes in a circle at gw'],
    'a longer circle': ['Host web\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a', 'bad-config at b 6: ProxyJump a: it goes in a circle at a'],
    'twice the same, without a circle': ['Host web\n ProxyJump gw,gw', 'op@gw:22 → op@gw:22 → op@web:22'],
    'more than anybody has': [`Host web\n ProxyJump ${MANY}`, `bad-config 2: ProxyJump ${MANY}: that makes more than 16 hosts to go through`],
    'with a token': ['Host web\n ProxyJump gw-%r', 'unsupported-config 2: ProxyJump gw-%r'],
    'as an address': ['Host web\n ProxyJump ssh://gw', 'unsupported-config 2: ProxyJump ssh://gw'],
    'with quotes, which ssh does not take off here': ['Host web\n ProxyJump "gw"', 'bad-config 2: ProxyJump "gw": ""gw"" is not the name of a host'],
    'that are options': ['Host web\n ProxyJump -oProxyCommand=x', 'bad-config 2: ProxyJump -oProxyCommand=x: "-oProxyCommand=x" is not the name of a host'],
    'that would be run': ['Host web\n ProxyJump a;x', 'bad-config 2: ProxyJump a;x: "a;x" is not the name of a host'],
    'that cannot be used': ['Host web\n ProxyJump gw\nHost gw\n ProxyCommand nc %h %p', 'unsupported-config at gw 4: ProxyCommand nc %h %p'],
  });
});
