import type { SshConfigFiles } from './sshConfigFiles';
import { bad, unsupported, wordOf, type ConfigLine } from './sshConfigLines';
import { directiveOf, settingOf } from './sshDirectives';
import type { SshEnvironment } from './sshEnvironment';
import { expand } from './sshExpand';
import { lowerCase, matchesPattern, matchesPatternList } from './sshPatterns';

/** What a person or a ProxyJump asks for. It comes before all that ssh_config says. */
export interface Asked {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/** The lines of ssh_config that count for one host. */
export interface Settings {
  /** After HostName, in lower case. */
  readonly hostName: string;
  get(setting: string): ConfigLine | undefined;
  /** IdentityFile alone adds up. */
  readonly identityFiles: readonly ConfigLine[];
}

/** Yes, no, or the `Match` that cannot be decided without running or knowing something. */
type Applies = boolean | ConfigLine;

/** readconf.c, SSH_MAX_IDENTITY_FILES. */
const MOST_IDENTITY_FILES = 100;

/**
 * Reads ssh_config as ssh_config(5) says: what is found first counts. A `Match final` anywhere lets ssh read all of it
 * a second time, and then `Host` patterns are held against HostName (ssh.c, process_config_files).
 *
 * @throws SshError `unsupported-config`, `bad-config`, with the empty string for its host
 */
export function settingsFor(config: SshConfigFiles, asked: Asked, environment: SshEnvironment): Settings {
  const reading = new Reading(asked, environment);
  for (const lines of config) reading.pass(lines, true);
  const hostName = lowerCase(reading.hostName());
  if (reading.asksForFinal) {
    reading.beginFinal(hostName);
    for (const lines of config) reading.pass(lines, true);
  }
  for (const line of reading.settings.values()) refuseUnsupported(line);
  return { hostName, get: setting => reading.settings.get(setting), identityFiles: reading.identityFiles };
}

class Reading {
  readonly settings = new Map<string, ConfigLine>();
  readonly identityFiles: ConfigLine[] = [];
  /** `Match final` was seen, be it where nothing applies. */
  asksForFinal = false;
  /** Set in the second pass. */
  private finalName: string | undefined;

  constructor(
    private readonly asked: Asked,
    private readonly environment: SshEnvironment,
  ) {}

  hostName(): string {
    const { host } = this.asked;
    const line = this.settings.get('hostname');
    return this.finalName ?? (line === undefined ? host : expand(line, wordOf(line), { h: host }));
  }

  beginFinal(hostName: string): void {
    this.finalName = hostName;
  }

  /** What an `Include` brings never applies more than the block that it stands in, and does not end that block. */
  pass(lines: readonly ConfigLine[], outside: Applies): void {
    let applies = outside;
    for (const line of lines) {
      if (line.keyword === 'host') applies = both(outside, this.isForHost(line));
      else if (line.keyword === 'match') applies = both(outside, this.matches(line));
      else if (line.keyword === 'include' && line.included !== undefined) for (const file of line.included) this.pass(file, applies);
      else if (applies === false) continue;
      else if (line.keyword === 'include') throw unsupported(line);
      else this.take(line, applies);
    }
  }

  private take(line: ConfigLine, applies: true | ConfigLine): void {
    const setting = settingOf(line.keyword);
    const directive = directiveOf(setting);
    if (directive === 'harmless') return;
    if (directive === 'algorithms' && isOfSystem(line, this.environment)) return;
    if (directive === 'unknown' && this.ignoresUnknown(line.keyword)) return;
    if (this.settings.has(setting) && setting !== 'identityfile') return;
    // In the second pass the host has its name.
    if (setting === 'hostname' && this.finalName !== undefined) return;
    if (applies !== true) throw unsupported(applies);
    this.settings.set(setting, line);
    if (setting !== 'identityfile' || this.identityFiles.includes(line)) return;
    if (this.identityFiles.push(line) > MOST_IDENTITY_FILES) throw bad(line, `there are more than ${MOST_IDENTITY_FILES} of it`);
  }

  private ignoresUnknown(keyword: string): boolean {
    const line = this.settings.get('ignoreunknown');
    return line !== undefined && matchesPatternList(keyword, lowerCase(wordOf(line)).split(','));
  }

  /** A pattern that is negated and matches ends it, whatever stands before and behind it. */
  private isForHost(line: ConfigLine): boolean {
    if (line.words === undefined) throw bad(line, 'a quote is not closed');
    const host = this.finalName ?? this.asked.host;
    const matching = line.words.filter(word => matchesPattern(host, word.startsWith('!') ? word.slice(1) : word));
    return matching.length > 0 && !matching.some(word => word.startsWith('!'));
  }

  /** All criteria must apply. One that certainly does not decides it, wherever it stands. */
  private matches(line: ConfigLine): Applies {
    const words = line.words ?? [];
    if (words.length === 0) throw bad(line, 'nothing can be made of it');
    let applies: Applies = true;
    for (let at = 0; at < words.length; at++) {
      const [, negated, name, value] = /^(!?)([^=]*)=?(.*)$/s.exec(words[at]!)!;
      const criterion = lowerCase(name!);
      let holds: Applies | undefined;
      if (criterion === 'all') holds = true;
      else if (criterion === 'canonical') holds = this.finalName !== undefined;
      // "!final" asks for a second pass of OpenSSH 9, and not of OpenSSH 10.
      else if (criterion === 'final') {
        holds = negated === '' ? this.finalName !== undefined : line;
        this.asksForFinal = true;
      } else holds = this.holds(line, criterion, value === '' ? words[++at] : value);
      applies = both(applies, typeof holds === 'boolean' ? holds !== (negated === '!') : holds);
    }
    return applies;
  }

  /** `exec` is never run; networks, tags and versions are not known here. */
  private holds(line: ConfigLine, criterion: string, value: string | undefined): Applies {
    if (value === undefined || value === '') throw bad(line, `"${criterion}" needs a value`);
    const { asked, environment } = this;
    const list = (text: string): readonly string[] => text.split(',');
    switch (criterion) {
      case 'host':
        return matchesPatternList(lowerCase(this.hostName()), list(lowerCase(value)));
      case 'originalhost':
        return matchesPatternList(lowerCase(asked.host), list(lowerCase(value)));
      case 'user':
        return matchesPatternList(this.user(), list(value));
      case 'localuser':
        return matchesPatternList(environment.userName, list(value));
      default:
        return line;
    }
  }

  private user(): string {
    const line = this.settings.get('user');
    return this.asked.user ?? (line === undefined ? this.environment.userName : wordOf(line));
  }
}

function both(a: Applies, b: Applies): Applies {
  if (a === false || b === false) return false;
  return a === true ? b : a;
}

/** The algorithms that a distribution allows (crypto-policies) must not make every host unusable. */
function isOfSystem({ file }: ConfigLine, { platform, systemFolder }: SshEnvironment): boolean {
  return file.startsWith(`${systemFolder}${platform === 'win32' ? '\\' : '/'}`) || (platform !== 'win32' && file.startsWith('/etc/'));
}

function refuseUnsupported(line: ConfigLine): void {
  const directive = directiveOf(settingOf(line.keyword));
  if (directive === 'unknown' || directive === 'algorithms') throw unsupported(line);
  if (typeof directive === 'object' && !(line.words?.length === 1 && directive.refusedUnless.includes(lowerCase(line.words[0]!)))) throw unsupported(line);
}
