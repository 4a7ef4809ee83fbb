import { type AnyAuthMethod, type AuthHandlerMiddleware, BaseAgent, type IdentityCallback, type ParsedKey, type Prompt, type SignCallback, type SigningRequestOptions } from 'ssh2';
import { SshError, type SshWhere } from '../errors';
import { type Identity, type Keyring, identitiesOf } from './identities';
import type { SshAuthentication, SshQuestions, SshTarget } from './sshTarget';

/** Codes and passwords are asked for three times, as ssh does. */
const TRIES = 3;

/** Rounds of asking and trying in one connection: a host that always wants one step more is none that lets anybody in. */
const MOST_ROUNDS = 100;

/**
 * Says what to try next to be let in, until nothing is left: keys, one by one, then questions, as the host asks for
 * them. No answer is kept.
 */
export class SshLogin {
  /** What was tried, for the message. */
  readonly tried: string[] = [];
  private identities: Identity[] | undefined;
  private asked = 0;
  private rounds = 0;
  /** Keyboard-interactive that asks nothing (sshd without PAM offers it all the same) is tried once, as in ssh, and counts as no try. */
  private asks = true;
  /** The key that was tried last was good enough for the host to ask for a signature. */
  private signed = false;

  /** @param fail is told why it cannot go on: a question that was closed, for one */
  constructor(
    private readonly where: SshWhere,
    private readonly target: SshTarget,
    private readonly keyring: Pick<Keyring, 'unlock'>,
    private readonly ask: SshQuestions,
    private readonly signal: AbortSignal,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** ssh2 calls it for the first way in, and after each that was refused. */
  readonly handler: AuthHandlerMiddleware = (left, partialSuccess, next) => {
    this.next(left, partialSuccess).then(method => next(method as AnyAuthMethod), this.fail);
  };

  /** `false`: nothing is left to try. `left` is null at first. */
  private async next(left: readonly string[] | null, partialSuccess: boolean | null): Promise<AnyAuthMethod | false> {
    this.countRound();
    const username = this.target.user;
    // `none` brings the list of what the host would take. Also after a key that was signed with and did not let us in: it
    // was the first of several steps (AuthenticationMethods in sshd_config), and of agents' keys ssh2 does not tell that.
    if (left === null || this.signed) {
      this.signed = false;
      return { type: 'none', username };
    }
    if (partialSuccess === true) [this.asked, this.asks] = [0, true];
    const may = (way: SshAuthentication): boolean => left.includes(way) && this.target.authentications.has(way);
    if (may('publickey')) {
      this.identities ??= await identitiesOf(this.target, this.keyring, this.ask, this.signal, this.tried);
      const identity = this.identities.shift();
      if (identity) {
        this.tried.push(identity.name);
        return { type: 'agent', username, agent: new OneKey(identity, (data, hash) => this.sign(identity, data, hash)) };
      }
    }
    if (this.asked >= TRIES) return false;
    if (may('keyboard-interactive') && this.asks) {
      this.asks = false; // until it does
      this.note('keyboard-interactive');
      return { type: 'keyboard-interactive', username, prompt: (name, instructions, _language, prompts, finish) => void this.answers(name, instructions, prompts).then(finish, this.fail) };
    }
    if (may('password')) {
      const password = await this.ask.password({ user: username, host: this.target.alias, again: this.asked > 0 }, this.signal);
      if (password === undefined) throw this.givenUp('a password');
      this.asked++;
      this.note('password');
      return { type: 'password', username, password };
    }
    return false;
  }

  private countRound(): void {
    if (++this.rounds > MOST_ROUNDS) throw new SshError('authentication', { ...this.where, said: `${MOST_ROUNDS} rounds of it` });
  }

  private note(way: string): void {
    if (this.tried.at(-1) !== way) this.tried.push(way);
  }

  private async sign(identity: Identity, data: Buffer, hash: string | undefined): Promise<Buffer> {
    try {
      const signature = await identity.sign(data, hash);
      if (!signature) throw this.givenUp(`the passphrase of ${identity.name}`);
      this.signed = true;
      return signature;
    } catch (error) {
      if (SshError.is(error)) this.fail(error);
      else this.tried.push(`${identity.name}: ${error instanceof Error ? error.message : String(error)}`);
      throw error; // an agent that will not sign is no reason to end: the next key may do
    }
  }

  private async answers(name: string, instructions: string, prompts: readonly Prompt[]): Promise<string[]> {
    this.countRound();
    if (prompts.length > 0 && !this.asks) {
      this.asks = true;
      this.asked++;
    }
    const { user, alias } = this.target;
    const question = { user, host: alias, name, instructions, prompts: prompts.map(({ prompt, echo }) => ({ text: prompt, echo: echo === true })) };
    const answers = await this.ask.answers(question, this.signal);
    if (!answers) throw this.givenUp(prompts[0]?.prompt ?? 'an answer');
    return [...answers];
  }

  private givenUp(what: string): SshError {
    return new SshError('given-up', { ...this.where, said: what });
  }
}

/** An agent with a single key, so that each is tried on its own, whoever signs. */
class OneKey extends BaseAgent<ParsedKey> {
  constructor(
    private readonly identity: Identity,
    private readonly signWith: (data: Buffer, hash: string | undefined) => Promise<Buffer>,
  ) {
    super();
  }

  override getIdentities(found: IdentityCallback<ParsedKey>): void {
    found(undefined, [this.identity.key]);
  }

  override sign(_key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, done?: SignCallback): void {
    const [hash, answer] = typeof options === 'function' ? [undefined, options] : [options.hash, done];
    this.signWith(data, hash).then(
      signature => answer?.(undefined, signature),
      (error: unknown) => answer?.(error instanceof Error ? error : new Error(String(error))),
    );
  }
}
