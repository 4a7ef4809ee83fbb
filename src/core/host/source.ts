import type { RawSnapshot } from '../rawSnapshot';

/** Names a host for as long as the window lives; part of every tree item's id. */
export type HostId = string;

/** Something that can be collected from: a running host, or a capture of one. */
export interface Source {
  readonly id: HostId;
  /** Shown to people and the first part of every document's path. */
  readonly label: string;
  readonly kind: 'live' | 'capture';
  collect(signal: AbortSignal): Promise<RawSnapshot>;
}
