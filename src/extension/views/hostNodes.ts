import type { HostService, HostState } from '../hostService';
import type { HostSource } from '../sources';

/** A host's row in either view. Its `state` is always the latest. */
export interface HostNode {
  readonly kind: 'host';
  readonly id: string;
  readonly state: HostState;
}

/** One row for as long as a host is listed: VS Code redraws a row alone only by the very object that it was given. */
export class HostNodes {
  private readonly nodes = new WeakMap<HostSource, HostNode>();

  constructor(private readonly hosts: HostService) {}

  of(state: HostState): HostNode {
    const { hosts } = this;
    const { id } = state.source;
    let node = this.nodes.get(state.source);
    if (!node) this.nodes.set(state.source, (node = { kind: 'host', id, get state() { return hosts.host(id) ?? state; } }));
    return node;
  }
}
