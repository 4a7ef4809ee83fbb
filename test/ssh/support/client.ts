import assert from 'node:assert/strict';
import { join } from 'node:path';
import { LiveSource } from '../../../src/core/collect/collect';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../../../src/core/collect/script';
import { Keyring } from '../../../src/core/host/identities';
import { SshHost } from '../../../src/core/host/sshHost';
import type { HostKeyQuestion, SshQuestions, SshTarget } from '../../../src/core/host/sshTarget';
import { Turns } from '../../../src/core/host/turns';
import { buildModel } from '../../../src/core/model/buildModel';
import type { HostModel } from '../../../src/core/model/hostModel';
import { newFolder } from '../../kernel/support/cleanUp';
import type { Sshd } from './sshd';

/** What a person would be asked, and what they answer. A question that the test did not expect is a failure. */
export class Person implements SshQuestions {
  readonly asked: string[] = [];
  readonly hostKeys: HostKeyQuestion[] = [];

  constructor(private readonly says: { readonly hostKey?: boolean; readonly passphrases?: (string | undefined)[]; readonly passwords?: (string | undefined)[]; readonly answers?: (string[] | undefined)[] } = {}) {}

  acceptHostKey(question: HostKeyQuestion): Promise<boolean> {
    this.asked.push(`host key ${question.host}`);
    this.hostKeys.push(question);
    return this.answer(this.says.hostKey);
  }

  passphrase({ file, again }: { file: string; again: boolean }, _signal?: AbortSignal): Promise<string | undefined> {
    this.asked.push(`passphrase ${file.replace(/.*\//, '')}${again ? ' again' : ''}`);
    return this.answer(this.says.passphrases && [...this.says.passphrases][this.count('passphrase') - 1]);
  }

  password({ user, again }: { user: string; again: boolean }): Promise<string | undefined> {
    this.asked.push(`password ${user}${again ? ' again' : ''}`);
    return this.answer(this.says.passwords && this.says.passwords[this.count('password') - 1]);
  }

  answers({ prompts }: { prompts: readonly { text: string }[] }): Promise<readonly string[] | undefined> {
    this.asked.push(`answers ${prompts.map(p => p.text).join('|')}`);
    return this.answer(this.says.answers && this.says.answers[this.count('answers') - 1]);
  }

  private count(kind: string): number {
    return this.asked.filter(text => text.startsWith(`${kind} `)).length;
  }

  private answer<T>(value: T | undefined): Promise<T> {
    return Promise.resolve(value as T);
  }
}

export interface Wanted extends Partial<SshTarget> {
  readonly person?: Person;
  readonly turns?: Turns;
  readonly keyring?: Keyring;
  readonly acceptedKeys?: string;
  readonly label?: string;
}

export function targetOf(sshd: Pick<Sshd, 'port'>, wanted: Partial<SshTarget> = {}): SshTarget {
  return {
    alias: 'web1',
    hostName: '127.0.0.1',
    port: sshd.port,
    user: 'op',
    identityFiles: [],
    identitiesOnly: false,
    agent: undefined,
    hostKeyName: `[127.0.0.1]:${sshd.port}`,
    knownHostsFiles: [],
    unknownHostKeys: 'ask',
    authentications: new Set(['publickey', 'keyboard-interactive', 'password']),
    jumps: [],
    ...wanted,
  };
}

export function hostOf(sshd: Pick<Sshd, 'port'>, wanted: Wanted = {}): SshHost {
  const { person = new Person(), turns = new Turns(8, 3000), keyring = new Keyring(), acceptedKeys = join(newFolder('accepted'), 'known_hosts'), label = 'web1', ...target } = wanted;
  const host = new SshHost({ label, target: () => Promise.resolve(targetOf(sshd, target)), questions: person, means: { turns, keyring, acceptedKeys } });
  hosts.add(host);
  return host;
}

const hosts = new Set<SshHost>();

/** Ends every connection that a test made. */
export function disconnectAll(): void {
  for (const host of hosts) host.disconnect();
  hosts.clear();
}

/** What it fails with. */
export async function fails(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => error,
  );
}

export function sourceOf(host: SshHost, asRoot = false): LiveSource {
  return new LiveSource('ssh', host, () => ({ qemuExecutables: DEFAULT_QEMU_EXECUTABLES, asRoot }));
}

export async function collect(host: SshHost, options: { readonly asRoot?: boolean; readonly signal?: AbortSignal } = {}): Promise<HostModel> {
  const raw = await sourceOf(host, options.asRoot).collect(options.signal ?? new AbortController().signal);
  const { model } = await buildModel(raw, { id: 'ssh', label: host.label }, { qemu: DEFAULT_QEMU_EXECUTABLES, managers: MANAGERS, helpers: HELPERS });
  return model;
}
