import type { Reading } from './reading';
export async function compareCommand(_reading: Reading, _values: object, _a: string, _b: string): Promise<number> { return 1; }
