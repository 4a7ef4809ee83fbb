import type * as Ssh from '../core/ssh';

let loaded: typeof Ssh | undefined;

/** SSH, read from its file when the first host is connected or looked for: who has none never loads it. */
export function ssh(): typeof Ssh {
  return (loaded ??= require('../core/ssh') as typeof Ssh);
}
