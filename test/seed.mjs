// Properties are tried with the same values in every run: what fails, fails again. Others by hand: `SEED=8`.
import { createRequire } from 'node:module';

// As the tests get it: of a package that is there for `import` and for `require`, each has its own settings.
const { default: fc } = createRequire(import.meta.url)('fast-check');
fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });
