import { SshError } from '../core/errors';
import { hostKeyFile } from '../core/host/hostKeyFile';
import type { HostKeyQuestion, SshQuestions } from '../core/host/sshTarget';
import { visible } from '../core/visible';
import type { Limit } from './limit';
import { ask, askHidden, canAsk, say } from './terminal';

/**
 * Asks at the terminal what only a person can answer while a host is connected. Answers go to the host and are kept
 * nowhere. Every text of a question is the host's or a file's.
 */
export function sshQuestions(label: string, limit: Limit): SshQuestions {
  const asking = async <T>(about: string, question: () => Promise<T>): Promise<T> => {
    if (!canAsk()) throw new SshError('no-terminal', { host: label, said: about });
    return limit.untimed(question);
  };
  return {
    acceptHostKey: (question, signal) => asking(`its host key (${question.keyType} ${question.fingerprint}) to be accepted`, () => askForHostKey(label, question, signal)),
    passphrase: ({ file, again }, signal) => asking(`the passphrase for ${file}`, () => askHidden(`${again ? 'It does not open the key. ' : ''}Passphrase for ${short(file)}:`, signal)),
    password: ({ user, host, again }, signal) => asking(`a password for ${user}`, () => askHidden(`${again ? 'It was not accepted. ' : ''}Password for ${short(user)} on ${short(host)}:`, signal)),
    answers: async (question, signal) => {
      const first = question.prompts[0];
      if (!first) return []; // a message alone, which is often an empty one: nothing to answer
      return asking(`an answer to "${short(first.text)}"`, () => askForAnswers(question, signal));
    },
  };
}

async function askForHostKey(label: string, { host, hop, keyType, fingerprint, certAuthority }: HostKeyQuestion, signal: AbortSignal): Promise<boolean> {
  say(`${label}${hop === undefined ? '' : `, its jump host ${hop}`}: no known_hosts file has the host key of ${host}:`);
  say(`  ${keyType} ${fingerprint}`);
  say(`Compare it with what the host itself says: ssh-keygen -lf ${hostKeyFile(keyType)}`);
  if (certAuthority !== undefined) say(`known_hosts names a certificate authority for this host (${certAuthority}), which cannot be checked here.`);
  for (;;) {
    const answer = (await ask('Once accepted, it is remembered, and any other key is refused. Is it right? (yes/no)', signal))?.trim();
    if (answer === undefined || answer === 'no') return false;
    if (answer === 'yes' || answer === fingerprint) return true;
  }
}

/** Each with who asks in front: what a host asks for may look as if somebody else did. */
async function askForAnswers({ user, host, name, instructions, prompts }: Parameters<SshQuestions['answers']>[0], signal: AbortSignal): Promise<readonly string[] | undefined> {
  const answers: string[] = [];
  for (const { text, echo } of prompts) {
    const question = `${short(user)} on ${short(host)} is asked: ${[name, instructions, text].map(short).filter(part => part !== '').join(' · ')}`;
    const answer = await (echo ? ask : askHidden)(question, signal);
    if (answer === undefined) return undefined;
    answers.push(answer);
  }
  return answers;
}

/** One line of a length that leaves room for the rest. */
function short(text: string): string {
  const characters = [...text.slice(0, 4000).replace(/\s+/g, ' ').trim()];
  return visible(characters.length > 1000 ? `${characters.slice(0, 1000).join('')}…` : characters.join(''));
}
