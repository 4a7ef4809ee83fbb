import type { Because, Effect, Outcome, Prediction, WriteErrno } from './outcome';
import type { World } from './world';

/** What stands against something: one that comes for certain unless a possible one comes before it. */
export interface Verdict {
  readonly certain?: Outcome;
  readonly possible: readonly Outcome[];
}

/** Nothing else can come of it: the host stays as it is. */
export function refused(world: World, errno: WriteErrno, because: Because): Prediction {
  return { outcomes: [refusal(errno, because)], after: world };
}

export function refusal(errno: WriteErrno, because: Because): Outcome {
  return { errno, because, effects: [] };
}

export function accepted(after: World, effects: readonly Effect[] = [], because?: Because): Prediction {
  return { outcomes: [{ errno: undefined, because, effects }], after };
}

/** The same, and besides it may be refused. */
export function unless(prediction: Prediction, ...refusals: readonly (Outcome | undefined)[]): Prediction {
  const more = refusals.filter((one): one is Outcome => one !== undefined);
  return more.length === 0 ? prediction : { ...prediction, outcomes: distinct([...prediction.outcomes, ...more]) };
}

/** Of outcomes that look the same on the host the first. */
export function distinct(outcomes: readonly Outcome[]): Outcome[] {
  const seen = new Map<string, Outcome>();
  for (const outcome of outcomes) {
    const looks = JSON.stringify([outcome.errno, outcome.effects]);
    if (!seen.has(looks)) seen.set(looks, outcome);
  }
  return [...seen.values()];
}

/** An interface file reads something new. */
export function valueEffect({ hierarchy, path }: { readonly hierarchy: string; readonly path: string }, file: string, value: string | number): Extract<Effect, { kind: 'value' }> {
  return { kind: 'value', hierarchy, path, file, value: String(value) };
}
