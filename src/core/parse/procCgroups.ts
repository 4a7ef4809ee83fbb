/** One line of `/proc/cgroups`: a controller that this kernel has (cgroups(7)). */
export interface ControllerState {
  readonly name: string;
  /** The v1 hierarchy's number; 0 when the controller is on v2 or not mounted at all. */
  readonly hierarchyId: number;
  readonly enabled: boolean;
}

/** `#subsys_name hierarchy num_cgroups enabled`, one line a controller. */
export function parseProcCgroups(text: string): ControllerState[] {
  const controllers: ControllerState[] = [];
  for (const line of text.split('\n')) {
    const match = /^([a-z_0-9]+)\s+(\d+)\s+\d+\s+([01])$/.exec(line);
    if (match) controllers.push({ name: match[1]!, hierarchyId: Number(match[2]), enabled: match[3] === '1' });
  }
  return controllers;
}
