/** Of a pressure file such as `cpu.pressure` the line `some`: percent of the time in which a task waited (Documentation/accounting/psi.rst). */
export function parsePressure(text: string): { readonly avg10: number; readonly avg60: number } | undefined {
  const match = /^some avg10=(\d{1,3}(?:\.\d+)?) avg60=(\d{1,3}(?:\.\d+)?) /m.exec(text);
  return match ? { avg10: Number(match[1]), avg60: Number(match[2]) } : undefined;
}
