// What a page carries as text: base64 of deflated bytes. A view is its JSON, then its binary traits.
import type { PageView, Span } from "../../contract.gen";
import { fromBase64 } from "../../wire/traits";

/** Deflated bytes in base64, as they were; nothing for no text. */
export async function inflate(text: string): Promise<DataView> {
  if (text.trim() === "") return new DataView(new ArrayBuffer(0));
  const packed = new Blob([fromBase64(text)]).stream();
  const plain = packed.pipeThrough(new DecompressionStream("deflate"));
  return new DataView(await new Response(plain).arrayBuffer());
}

export interface Unpacked {
  view: PageView;
  /** The bytes of a binary trait. */
  part: (span: Span) => DataView;
}

/** The length of the JSON in four bytes, the JSON, and the bytes. */
export function unpack(data: DataView): Unpacked {
  const length = data.getUint32(0, true);
  const start = data.byteOffset + 4;
  const json = new TextDecoder().decode(new Uint8Array(data.buffer, start, length));
  return {
    view: JSON.parse(json) as PageView,
    part: ({ offset, length: n }) => new DataView(data.buffer, start + length + offset, n),
  };
}
