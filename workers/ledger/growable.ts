/** Typed arrays that grow by doubling; the pure core allocates nothing per tap. */
type TypedArray =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** The same array, or a copy of at least twice the size that holds `length` elements. */
export function grown<T extends TypedArray>(array: T, length: number): T {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (size: number) => T)(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

/** The bytes of the first `length` elements, copied: what a snapshot keeps. */
export function bytesOf(array: TypedArray, length = array.length): Uint8Array {
  const part = array.subarray(0, length);
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice();
}

type Constructor<T> = { new (buffer: ArrayBuffer): T; readonly BYTES_PER_ELEMENT: number };

/** A column of a snapshot as a typed array again. Throws RangeError if the column is missing. */
export function column<T extends TypedArray>(
  columns: ReadonlyMap<string, Uint8Array>,
  name: string,
  type: Constructor<T>,
): T {
  const bytes = columns.get(name);
  if (bytes === undefined) throw new RangeError(`the snapshot has no column ${name}`);
  return new type(bytes.slice().buffer);
}
