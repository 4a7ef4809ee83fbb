/** Plans in the window, as a bundle of their own (`dist/planning.js`). Always reached through `lazyPlanning.ts`. */
export { type CommandContext, commands } from './planning/commands';
export { Desk } from './planning/desk';
export { dropChanges } from './planning/drop';
export type { Node } from './planning/targets';
