/** Where and how one host is reached by SSH: what ssh_config says of it, resolved and checked. All paths are absolute. */
export interface SshTarget {
  /** What the person calls it: a `Host` of ssh_config, or `user@host:port`. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** In the order of ssh_config; ssh's own defaults where it names none. A file that is not there is passed over. */
  readonly identityFiles: readonly string[];
  /** Of the agent's keys only those of `identityFiles`. */
  readonly identitiesOnly: boolean;
  /** Socket or pipe of the agent; `undefined` for none. */
  readonly agent: string | undefined;
  /** The name by which known_hosts has it: HostKeyAlias, which has no port; else `web1`, `[web1]:2222`. */
  readonly hostKeyName: string;
  /** The user's files, then the system's. */
  readonly knownHostsFiles: readonly string[];
  /** StrictHostKeyChecking: whether a key that nobody knows is asked about, taken, or refused. `no` is treated as `accept-new`. */
  readonly unknownHostKeys: 'ask' | 'accept-new' | 'refuse';
  /** Ways in that ssh_config does not switch off. */
  readonly authentications: ReadonlySet<SshAuthentication>;
  /** Hosts to go through, the first one first; each is verified by its own name. */
  readonly jumps: readonly SshTarget[];
}

export type SshAuthentication = 'publickey' | 'keyboard-interactive' | 'password';

/**
 * What only a person can answer while a connection is made; time-outs stand still meanwhile. `undefined` or `false`:
 * they would rather not, and the connection is given up. A question that may not be asked now is rejected with
 * `SshError` `not-asked` or `no-terminal`. All texts in it are the host's or the file's: hostile.
 */
export interface SshQuestions {
  /** A key that no known_hosts file has. */
  acceptHostKey(question: HostKeyQuestion, signal: AbortSignal): Promise<boolean>;
  passphrase(question: { readonly file: string; readonly again: boolean }, signal: AbortSignal): Promise<string | undefined>;
  password(question: { readonly user: string; readonly host: string; readonly again: boolean }, signal: AbortSignal): Promise<string | undefined>;
  /** Keyboard-interactive: one-time codes and the like. One answer for each prompt. */
  answers(question: { readonly user: string; readonly host: string; readonly name: string; readonly instructions: string; readonly prompts: readonly { readonly text: string; readonly echo: boolean }[] }, signal: AbortSignal): Promise<readonly string[] | undefined>;
}

export interface HostKeyQuestion {
  /** As known_hosts would have it: `web1`, `[web1]:2222`. */
  readonly host: string;
  /** `user@name:port` of a jump host; `undefined` of the host itself. */
  readonly hop: string | undefined;
  readonly keyType: string;
  /** `SHA256:…`, as ssh prints it. */
  readonly fingerprint: string;
  /** `FILE:LINE` of a `@cert-authority` for this host in known_hosts: it vouches for the host, and we cannot check it. */
  readonly certAuthority: string | undefined;
}
