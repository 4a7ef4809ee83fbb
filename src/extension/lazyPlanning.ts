import type * as Planning from './planning';

let loaded: typeof Planning | undefined;

/** All that has to do with changing a host, read from its file when a person first wants that: who only looks never loads it. */
export function planning(): typeof Planning {
  return (loaded ??= require('./planning') as typeof Planning);
}
