import * as vscode from 'vscode';
import { unlessAborted } from '../core/host/abort';
import { hostKeyFile } from '../core/host/hostKeyFile';
import type { HostKeyQuestion, SshQuestions } from '../core/host/sshTarget';
import { ssh } from './lazySsh';
import type { Reading } from './reading';
import { plain } from './text';

/**
 * Asks a person what only they can answer while hosts are connected: one question at a time, over all hosts. What they
 * answer goes to the host and is kept nowhere. Every text of a question is the host's or a file's.
 */
export class SshPrompts {
  /** Ends with the question that is up now, answered or put away. */
  private last: Promise<unknown> = Promise.resolve();

  /** The questions of one host. `reading`: what is being read of it, and may be allowed to ask. */
  of(label: string, reading: () => Reading | undefined): SshQuestions {
    const ask = async <T>(about: string, signal: AbortSignal, question: () => Promise<T>): Promise<T> => {
      const now = reading();
      if (!now?.mayAsk) throw new (ssh().SshError)('not-asked', { host: label, said: about });
      return now.untimed(() => this.inTurn(signal, question));
    };
    return {
      acceptHostKey: (question, signal) => ask(vscode.l10n.t('its host key to be accepted'), signal, () => askForHostKey(label, question)),
      passphrase: ({ file, again }, signal) =>
        ask(vscode.l10n.t('the passphrase for {0}', file), signal, () =>
          input({ title: vscode.l10n.t('{0}: Passphrase for {1}', short(label), short(file)), prompt: again ? vscode.l10n.t('It does not open the key. Try again.') : '', password: true }, signal),
        ),
      password: ({ user, host, again }, signal) =>
        ask(vscode.l10n.t('a password for {0}', user), signal, () =>
          input({ title: vscode.l10n.t('{0}: Password for {1} on {2}', short(label), short(user), short(host)), prompt: again ? vscode.l10n.t('It was not accepted. Try again.') : '', password: true }, signal),
        ),
      answers: async (question, signal) => {
        const first = question.prompts[0];
        if (!first) return []; // a message alone, which is often an empty one: nothing to answer
        return ask(vscode.l10n.t('an answer to "{0}"', short(first.text)), signal, () => askForAnswers(label, question, signal));
      },
    };
  }

  private inTurn<T>(signal: AbortSignal, question: () => Promise<T>): Promise<T> {
    const mine = this.last.then(() => {
      signal.throwIfAborted();
      return question();
    });
    this.last = mine.catch(() => undefined);
    // A dialog cannot be taken away: it stays until somebody closes it, but nobody waits for it any more.
    return unlessAborted(signal, mine);
  }
}

async function askForHostKey(label: string, { host, hop, keyType, fingerprint, certAuthority }: HostKeyQuestion): Promise<boolean> {
  const connect = vscode.l10n.t('Connect');
  const detail = [
    `${short(keyType)}\n${short(fingerprint)}`,
    vscode.l10n.t('No known_hosts file has it. Compare it with what the host itself says:\nssh-keygen -lf {0}', hostKeyFile(keyType)),
    ...(certAuthority === undefined ? [] : [vscode.l10n.t('known_hosts names a certificate authority for this host ({0}), which Cgroup Lens cannot check.', short(certAuthority))]),
    vscode.l10n.t('Once accepted, it is remembered, and any other key is refused.'),
  ].join('\n\n');
  const of = hop === undefined ? short(host) : vscode.l10n.t('its jump host {0}', short(hop));
  const message = host === label && hop === undefined ? vscode.l10n.t('Is this the host key of {0}?', short(host)) : vscode.l10n.t('{0}: is this the host key of {1}?', short(label), of);
  return (await vscode.window.showWarningMessage(message, { modal: true, detail }, connect)) === connect;
}

async function askForAnswers(label: string, { user, host, name, instructions, prompts }: Parameters<SshQuestions['answers']>[0], signal: AbortSignal): Promise<readonly string[] | undefined> {
  const answers: string[] = [];
  for (const { text, echo } of prompts) {
    const title = vscode.l10n.t('{0}: {1} on {2} asks', short(label), short(user), short(host));
    const prompt = [name, instructions, text].map(short).filter(part => part !== '').join(' · ');
    const answer = await input({ title, prompt, password: !echo }, signal);
    if (answer === undefined) return undefined;
    answers.push(answer);
  }
  return answers;
}

async function input(options: vscode.InputBoxOptions, signal: AbortSignal): Promise<string | undefined> {
  const cancellation = new vscode.CancellationTokenSource();
  const cancel = (): void => cancellation.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await vscode.window.showInputBox({ ...options, ignoreFocusOut: true }, cancellation.token);
  } finally {
    signal.removeEventListener('abort', cancel);
    cancellation.dispose();
  }
}

/** One line of a length that leaves room for the rest. */
function short(text: string): string {
  const characters = [...text.slice(0, 1000).replace(/\s+/g, ' ').trim()];
  return plain(characters.length > 200 ? `${characters.slice(0, 200).join('')}…` : characters.join(''));
}
