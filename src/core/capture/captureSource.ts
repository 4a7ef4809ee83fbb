import { CaptureError } from '../errors';
import { decodeBytes } from '../parse/bytes';
import type { Source } from '../host/source';
import type { RawSnapshot } from '../rawSnapshot';
import { paced } from '../model/pace';
import { type CaptureProblem, parsing } from './format';

/** A capture as a host that never changes and cannot be written to. */
export class CaptureSource implements Source {
  readonly kind = 'capture';
  /** Of the latest reading. */
  problems: readonly CaptureProblem[] = [];

  constructor(
    readonly id: string,
    readonly label: string,
    private readonly read: () => Promise<Uint8Array>,
  ) {}

  /** @throws CaptureError that names the file */
  async collect(): Promise<RawSnapshot> {
    const file = this.label;
    let bytes: Uint8Array;
    try {
      bytes = await this.read();
    } catch (error) {
      throw new CaptureError('unreadable', { file, line: 0, expected: '', found: error instanceof Error ? error.message : String(error) }, error);
    }
    try {
      const { snapshot, problems } = await paced(parsing(decodeBytes(bytes)));
      this.problems = problems;
      return snapshot;
    } catch (error) {
      throw CaptureError.is(error) ? new CaptureError(error.reason, { ...error.details, file }, error) : error;
    }
  }
}
