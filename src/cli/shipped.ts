import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is shipped beside the command line. */
export interface Shipped {
  /** The page of a rule, as Markdown; `undefined` where it is not there. */
  page(id: string): Promise<string | undefined>;
  /** `0.1.0`; `undefined` where no manifest is there. */
  version(): Promise<string | undefined>;
}

/** @param folder that of the bundle, `dist` */
export function shippedWith(folder = __dirname): Shipped {
  const text = (...path: string[]): Promise<string | undefined> => readFile(join(folder, ...path), 'utf8').catch(() => undefined);
  return {
    page: id => text('rules', `${id}.md`),
    version: async () => {
      const manifest = await text('..', 'package.json');
      return manifest === undefined ? undefined : (JSON.parse(manifest) as { readonly version: string }).version;
    },
  };
}
