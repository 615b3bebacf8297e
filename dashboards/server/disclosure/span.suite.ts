/** Cells that are known or not, by name: each sum that was told is a set of them. */
export interface Sum {
  readonly cells: readonly string[];
  readonly value: number;
}

// Whole numbers below this prime multiply exactly; a rank over the rationals is lost over it hardly ever, none is won.
const prime = 67_108_859;

export interface Derived {
  /** How often each cell of the wanted ones is in it, modulo the prime. */
  readonly cells: ReadonlyMap<string, number>;
  readonly value: number;
}

/**
 * What can be found by adding and subtracting told sums that is made of wanted cells alone: all others are eliminated first,
 * and what is left of a row is a finding.
 */
export function deriveOnly(sums: readonly Sum[], wanted: ReadonlySet<string>): Derived[] {
  const others = new Set(sums.flatMap(({ cells }) => cells.filter((cell) => !wanted.has(cell))));
  const columns = [...others, ...wanted];
  const place = new Map(columns.map((name, index) => [name, index]));
  const rows = sums.map(({ cells, value }) => {
    const row = new Array<number>(columns.length + 1).fill(0);
    for (const cell of cells) row[place.get(cell)!] += 1;
    row[columns.length] = modulo(value);
    return row;
  });
  const found: Derived[] = [];
  for (let column = 0; column < columns.length; column++) {
    const at = rows.findIndex((row) => row[column] !== 0);
    if (at < 0) continue;
    const [pivot] = rows.splice(at, 1);
    const scale = inverse(pivot[column]);
    for (let index = 0; index < pivot.length; index++) pivot[index] = (pivot[index] * scale) % prime;
    for (const row of rows) if (row[column] !== 0) subtract(row, pivot, row[column]);
    if (column < others.size) continue;
    const cells = columns.flatMap((name, index) => (pivot[index] === 0 ? [] : [[name, pivot[index]] as const]));
    found.push({ cells: new Map(cells), value: pivot[columns.length] });
  }
  return found;
}

function subtract(row: number[], pivot: readonly number[], times: number): void {
  for (let index = 0; index < row.length; index++) row[index] = modulo(row[index] - ((times * pivot[index]) % prime));
}

function modulo(value: number): number {
  return ((value % prime) + prime) % prime;
}

/** By Fermat. */
function inverse(value: number): number {
  let [result, base] = [1, value];
  for (let power = prime - 2; power > 0; power = Math.floor(power / 2)) {
    if (power % 2 === 1) result = (result * base) % prime;
    base = (base * base) % prime;
  }
  return result;
}
