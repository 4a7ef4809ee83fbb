import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { Client, type ClientChannel, type ServerHostKeyAlgorithm } from 'ssh2';
import { SshError, type SshReason, type SshWhere } from '../errors';
import { unlessAborted } from './abort';
import { HostKeys } from './hostKeys';
import type { Keyring } from './identities';
import { SshLogin } from './sshLogin';
import type { SshQuestions, SshTarget } from './sshTarget';
import type { Turns } from './turns';

/** What all hosts of a window share. */
export interface SshMeans {
  /** Our own file of accepted host keys, in the form of known_hosts. */
  readonly acceptedKeys: string;
  readonly keyring: Pick<Keyring, 'unlock'>;
  readonly turns: Pick<Turns, 'take'>;
}

/** Milliseconds of silence after which the other side is asked whether it is there, and how often it may not answer. */
const KEEPALIVE = { keepaliveInterval: 15_000, keepaliveCountMax: 3 };

/** ssh2's own order without `ssh-rsa` (SHA-1), which OpenSSH does not take either since 8.8. */
const HOST_KEY_ALGORITHMS: readonly ServerHostKeyAlgorithm[] = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'];

/** A connection through which somebody was let in, with those to the jump hosts on the way. */
export class SshConnection {
  /** Why it is over, when it is. Never rejects. */
  readonly ended: Promise<SshError>;
  /** False from the moment it is over: known before `ended` has told those who wait for it. */
  isOpen = true;

  private constructor(
    private readonly host: string,
    private readonly client: Client,
    via: SshConnection | undefined,
  ) {
    this.ended = new Promise(resolve => {
      const over = (said: string): void => {
        this.isOpen = false;
        via?.end();
        resolve(new SshError('connection-lost', { host, said }));
      };
      client.on('error', error => over(error.message));
      client.on('close', () => over('the other side closed it'));
    });
  }

  /** Connects, hop by hop; each is verified by its own name and lets us in for itself. @throws SshError, or the signal's reason */
  static async open(host: string, target: SshTarget, means: SshMeans, ask: SshQuestions, signal: AbortSignal): Promise<SshConnection> {
    let via: SshConnection | undefined;
    try {
      for (const hop of [...target.jumps, target]) {
        const where = { host, ...(hop === target ? {} : { hop: `${hop.user}@${hop.hostName}:${hop.port}` }) };
        const sock = via ? await via.forward(hop, where, signal) : await dial(hop, where, signal);
        const client = await logIn(where, hop, sock, means, ask, signal);
        via = new SshConnection(host, client, via);
      }
    } catch (error) {
      via?.end();
      throw error;
    }
    return via!;
  }

  /** Starts a command. @throws SshError */
  async exec(command: string): Promise<ClientChannel> {
    return this.channel('no-channel', { host: this.host }, opened => this.client.exec(command, opened));
  }

  end(): void {
    this.client.end();
  }

  /** Without a word to the other side, which may not be there any more. */
  cut(): void {
    this.client.destroy();
  }

  private async forward({ hostName, port }: SshTarget, where: SshWhere, signal: AbortSignal): Promise<Duplex> {
    const channel = await this.channel('unreachable', where, opened => this.client.forwardOut('127.0.0.1', 0, hostName, port, opened));
    if (!signal.aborted) return channel;
    channel.close();
    throw signal.reason;
  }

  private channel(reason: 'no-channel' | 'unreachable', where: SshWhere, open: (opened: (error: Error | undefined, channel: ClientChannel) => void) => void): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      void this.ended.then(reject);
      if (!this.isOpen) return;
      const failed = (error: Error, why: SshReason): void => reject(new SshError(why, { ...where, said: error.message }, error));
      try {
        open((error, channel) => (error ? failed(error, this.isOpen ? reason : 'connection-lost') : resolve(channel)));
      } catch (error) {
        failed(error as Error, 'connection-lost'); // "Not connected": its end has not been told yet
      }
    });
  }
}

/** A TCP connection. @throws SshError `unreachable` */
async function dial({ hostName, port }: SshTarget, where: SshWhere, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = connect({ host: hostName, port, noDelay: true });
  try {
    await unlessAborted(signal, once(socket, 'connect'));
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? error : new SshError('unreachable', { ...where, said: describe(error as Error) }, error);
  }
}

/** Of several addresses each has an error of its own, and the whole has no message. */
function describe(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(one => (one as Error).message).join(', ') : error.message;
}

/** The SSH handshake: the host's key first, then who we are. @throws SshError */
async function logIn(where: SshWhere, target: SshTarget, sock: Duplex, means: SshMeans, ask: SshQuestions, signal: AbortSignal): Promise<Client> {
  const client = new Client();
  let endTurn = (): void => undefined;
  try {
    endTurn = await means.turns.take(signal);
    const hostKeys = await HostKeys.read(where, target, means.acceptedKeys);
    const letIn = new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => reject(error as Error); // the first that is told is why
      const patient = whileAsking(ask, () => endTurn());
      const login = new SshLogin(where, target, means.keyring, patient, signal, fail);
      let isVerified = false;
      client.on('ready', resolve);
      client.on('error', error => {
        if (error.level === 'agent') return; // ssh2 goes on with the next key
        fail(asSshError(error, where, login, isVerified));
      });
      client.on('change password', () => fail(new SshError('authentication', { ...where, said: 'the password has expired' })));
      client.on('close', () => fail(new SshError('connection-lost', { ...where, said: 'the other side closed it' })));
      client.connect({
        sock,
        username: target.user,
        readyTimeout: 0, // whoever waits has a time-out, which stands still while a person is being asked
        ...KEEPALIVE,
        algorithms: { serverHostKey: hostKeyAlgorithms(hostKeys.types) },
        hostVerifier: (key: Buffer, verify: (ok: boolean) => void) => {
          hostKeys.check(key, patient, signal).then(() => {
            isVerified = true;
            verify(true);
          }, fail);
        },
        authHandler: login.handler,
      });
    });
    await unlessAborted(signal, letIn);
    client.removeAllListeners();
    return client;
  } catch (error) {
    client.on('error', () => undefined); // what it says while it ends is nobody's business any more
    client.destroy();
    sock.destroy();
    throw error;
  } finally {
    endTurn();
  }
}

/** A person takes their time: nobody else waits for that. */
function whileAsking(ask: SshQuestions, endTurn: () => void): SshQuestions {
  const asking = <Q, A>(question: (q: Q, signal: AbortSignal) => Promise<A>) => (q: Q, signal: AbortSignal): Promise<A> => {
    endTurn();
    return question(q, signal);
  };
  return {
    acceptHostKey: asking(ask.acceptHostKey.bind(ask)),
    passphrase: asking(ask.passphrase.bind(ask)),
    password: asking(ask.password.bind(ask)),
    answers: asking(ask.answers.bind(ask)),
  };
}

/** An error of ssh2. `level` is all that tells of what kind it is. */
function asSshError(error: Error & { level?: string }, where: SshWhere, login: SshLogin, isVerified: boolean): SshError {
  const tried = login.tried.length > 0 ? login.tried.join(', ') : 'nothing';
  if (error.level === 'client-authentication') return new SshError('authentication', { ...where, said: tried }, error);
  if (error.level === 'client-socket' || error.level === 'client-timeout') return new SshError('connection-lost', { ...where, said: error.message }, error);
  // The host ended it (SSH_MSG_DISCONNECT) while it was asked to let us in: "Too many authentication failures".
  if (isVerified && error.level === undefined) return new SshError('authentication', { ...where, said: `${error.message} (${tried})` }, error);
  return new SshError('protocol', { ...where, said: error.message }, error);
}

/** Those of the known keys first. An RSA key signs by two algorithms (RFC 8332). */
function hostKeyAlgorithms(types: readonly string[]): ServerHostKeyAlgorithm[] {
  const known = types.flatMap(type => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]));
  const first = HOST_KEY_ALGORITHMS.filter(name => known.includes(name)).sort((a, b) => known.indexOf(a) - known.indexOf(b));
  return [...first, ...HOST_KEY_ALGORITHMS.filter(name => !first.includes(name))];
}
