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

  /** @throws CaptureError, and whatever reading the file throws */
  async collect(): Promise<RawSnapshot> {
    const { snapshot, problems } = await paced(parsing(decodeBytes(await this.read())));
    this.problems = problems;
    return snapshot;
  }
}
