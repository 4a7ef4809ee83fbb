/**
 * What becomes of each directive of ssh_config(5), OpenSSH 7 to 10: used, passed over, or refused by name because it
 * changes where or how one connects. What stands in none of these lists is refused too.
 */
export type Directive =
  /** `SshTarget` says it. */
  | 'used'
  /** Says nothing of how one connects and logs in, or of things that this extension never does. */
  | 'harmless'
  /** Narrows down algorithms: refused where the user says it, passed over in the policy of the system. */
  | 'algorithms'
  /** Refused, but for the values that change nothing. */
  | { readonly refusedUnless: readonly string[] }
  | 'unknown';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const USED = words(`
  hostname user port identityfile identitiesonly identityagent proxy hostkeyalias userknownhostsfile globalknownhostsfile
  stricthostkeychecking pubkeyauthentication passwordauthentication kbdinteractiveauthentication preferredauthentications
  ignoreunknown`);

const HARMLESS = words(`
  sendenv setenv forwardagent forwardx11 forwardx11timeout forwardx11trusted xauthlocation
  localforward remoteforward dynamicforward clearallforwardings exitonforwardfailure gatewayports permitremoteopen
  tunnel tunneldevice streamlocalbindmask streamlocalbindunlink channeltimeout
  compression serveraliveinterval serveralivecountmax tcpkeepalive keepalive ipqos rekeylimit obscurekeystroketiming
  connecttimeout connectionattempts numberofpasswordprompts batchmode kbdinteractivedevices
  controlmaster controlpath controlpersist addkeystoagent usekeychain askpassgui enablesshkeysign
  hashknownhosts updatehostkeys visualhostkey fingerprinthash checkhostip warnweakcrypto
  loglevel logverbose syslogfacility escapechar enableescapecommandline requesttty stdinnull sessiontype
  forkafterauthentication remotecommand localcommand permitlocalcommand tag versionaddendum
  canonicaldomains canonicalizefallbacklocal canonicalizemaxdots hostbasedacceptedalgorithms hostbasedkeytypes
  gssapiauthentication gssapidelegatecredentials gssapikeyexchange gssapiclientidentity gssapiserveridentity
  gssapirenewalforcesrekey gssapitrustdns protocolkeepalives setuptimeout`);

/** readconf.c: known so that old files can be read, and without effect there too. */
const WITHOUT_EFFECT = words(`
  protocol cipher fallbacktorsh globalknownhostsfile2 userknownhostsfile2 rhostsauthentication useroaming usersh
  useprivilegedport afstokenpassing kerberosauthentication kerberostgtpassing rsaauthentication rhostsrsaauthentication
  compressionlevel`);

const ALGORITHMS = words('ciphers macs kexalgorithms gssapikexalgorithms hostkeyalgorithms pubkeyacceptedalgorithms casignaturealgorithms requiredrsasize');

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  certificatefile: [],
  proxyusefdpass: ['no', 'false'],
  hostbasedauthentication: ['no', 'false'],
  pkcs11provider: ['none'],
  // "internal" is what ssh has built in for FIDO keys, which are left out here.
  securitykeyprovider: ['none', 'internal'],
  canonicalizehostname: ['no', 'false'],
  canonicalizepermittedcnames: ['none'],
  bindaddress: [],
  bindinterface: [],
  addressfamily: ['any'],
  knownhostscommand: ['none'],
  revokedhostkeys: ['none'],
  // "ask" only shows what DNS says.
  verifyhostkeydns: ['no', 'false', 'ask'],
  nohostauthenticationforlocalhost: ['no', 'false'],
  refuseconnection: [],
};

/** ProxyCommand and ProxyJump are one: the first of either counts, and takes the other one's place. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['proxycommand', 'proxy'],
  ['proxyjump', 'proxy'],
  ['challengeresponseauthentication', 'kbdinteractiveauthentication'],
  ['skeyauthentication', 'kbdinteractiveauthentication'],
  ['tisauthentication', 'kbdinteractiveauthentication'],
  ['dsaauthentication', 'pubkeyauthentication'],
  ['identityfile2', 'identityfile'],
  ['pubkeyacceptedkeytypes', 'pubkeyacceptedalgorithms'],
  ['smartcarddevice', 'pkcs11provider'],
]);

/** Several keywords may set the same thing. */
export function settingOf(keyword: string): string {
  return OTHER_NAMES.get(keyword) ?? keyword;
}

const DIRECTIVES: ReadonlyMap<string, Directive> = new Map<string, Directive>([
  ...USED.map(name => [name, 'used'] as const),
  ...HARMLESS.map(name => [name, 'harmless'] as const),
  ...WITHOUT_EFFECT.map(name => [name, 'harmless'] as const),
  ...ALGORITHMS.map(name => [name, 'algorithms'] as const),
  ...Object.entries(REFUSED).map(([name, refusedUnless]) => [name, { refusedUnless }] as const),
]);

export function directiveOf(setting: string): Directive {
  return DIRECTIVES.get(setting) ?? 'unknown';
}
