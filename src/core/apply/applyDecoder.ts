import { t } from '@vscode/l10n';
import { Pending } from '../collect/pending';
import { ApplyError, CollectError } from '../errors';
import type { Decoder } from '../host/source';
import { describeError } from '../messages';
import { decodeBytes } from '../parse/bytes';
import type { Plan } from '../plan/plan';
import type { Applied, StepResult } from '../plan/applied';
import { errnoOf } from './errnoOf';

export const FIRST_LINE = '=cgroup-lens-apply 1';

/** Bytes of an answer: a step has a line or two. And characters of what is kept of one text. */
const MOST = 1 << 24;
const MOST_SAID = 4000;
/** Of what is said before the first line, and of what is no frame. */
const SAID = 200;
const MOST_REMARKS = 20;

const NOT_YET: StepResult = { state: 'unknown', errno: undefined, found: undefined, said: undefined };

/** Decodes the answer to a plan while it arrives (apply.ts has its form). What is known of each step it knows at any time. */
export class ApplyDecoder implements Decoder<Applied> {
  private readonly results: StepResult[];
  private readonly remarks: string[] = [];
  private state: 'before' | 'within' | 'ended' = 'before';
  /** Nothing is done behind a step that was not. */
  private stopped = false;
  private readonly pending = new Pending();
  private received = 0;
  private said = '';
  /** The frame that is not over before another begins: its text may go on. */
  private frame: { readonly words: readonly string[]; text: string } | undefined;

  constructor(private readonly plan: Plan) {
    this.results = plan.steps.map(() => NOT_YET);
  }

  push(chunk: Buffer): boolean {
    this.received += chunk.length;
    if (this.state === 'before' && this.said.length < SAID) this.said += decodeBytes(chunk.subarray(0, SAID));
    for (const line of this.pending.lines(chunk)) this.line(line);
    return this.received < MOST; // nothing that a host says ends a script that writes, but for a flood
  }

  /** @throws ApplyError `not-an-answer`: then nothing was done. */
  finish(stderr: string, host: string): Applied {
    if (this.state === 'before') throw new ApplyError('not-an-answer', { host, said: this.said.trim().slice(0, SAID) || stderr.trim().slice(0, SAID) });
    for (const line of stderr.split('\n')) if (line.trim() !== '') this.remark(line);
    return this.applied();
  }

  broken(error: unknown): Applied {
    this.remark(CollectError.is(error, 'cancelled') ? t('It was cancelled while it was under way.') : describeError(error));
    return this.applied();
  }

  private applied(): Applied {
    this.take();
    const complete = this.state === 'ended';
    const rest: StepResult = complete || this.stopped ? { ...NOT_YET, state: 'not done' } : NOT_YET;
    return { steps: this.results.map(result => (result === NOT_YET ? rest : result)), complete, remarks: this.remarks };
  }

  private line(line: string): void {
    if (this.state !== 'within') {
      if (this.state === 'before' && line === FIRST_LINE) this.state = 'within';
      return;
    }
    if (line.startsWith('=+ ')) {
      if (this.frame && this.frame.text.length < MOST_SAID) this.frame.text += `\n${line.slice(3)}`;
      return;
    }
    if (line === '') return; // the end of what came by now
    this.take();
    if (line === '=end') this.state = 'ended';
    else this.begin(line);
  }

  private begin(line: string): void {
    const match = /^=(?:(remark|root) |(done|read|said|refused|cannot) (\d+) |(changed) (\d+) (\d+) )(.*)$/s.exec(line);
    if (!match) return this.remark(line);
    this.frame = { words: match.slice(1, 7).filter(word => word !== undefined), text: match[7]!.slice(0, MOST_SAID) };
  }

  private take(): void {
    const { frame } = this;
    if (!frame) return;
    this.frame = undefined;
    const [kind, number, index] = frame.words;
    const { text } = frame;
    if (kind === 'remark') return this.remark(text);
    if (kind === 'root') {
      this.stop(0, { state: 'refused', errno: 'EPERM', found: undefined, said: undefined });
      return;
    }
    const i = Number(number) - 1;
    const known = this.results[i];
    if (!known) return this.remark(frame.words.join(' '));
    const said = text === '' ? undefined : text;
    switch (kind) {
      case 'done':
        this.results[i] = { ...NOT_YET, state: 'done' };
        return;
      case 'read':
        this.results[i] = { ...known, found: text };
        return;
      case 'said':
        this.results[i] = { ...known, said };
        return;
      case 'refused':
        return this.stop(i, { state: 'refused', errno: errnoOf(text), found: undefined, said });
      case 'cannot':
        return this.stop(i, { state: 'refused', errno: 'EUNKNOWN', found: undefined, said });
      case 'changed':
        return this.stop(i, { state: 'changed meanwhile', errno: undefined, found: said, said: undefined, precondition: this.plan.steps[i]!.preconditions[Number(index)] });
    }
  }

  private stop(i: number, result: StepResult): void {
    if (i < this.results.length) this.results[i] = result;
    this.stopped = true;
  }

  private remark(text: string): void {
    if (this.remarks.length < MOST_REMARKS) this.remarks.push(text.slice(0, 300));
  }
}

