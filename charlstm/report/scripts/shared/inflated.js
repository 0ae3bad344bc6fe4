// This file unpacks what the page carries packed.

/**
 * Return the bytes of a deflated stream that is written in base64. The Response stays in the page: nothing is
 * fetched.
 * @type {(base64: string) => Promise<Uint8Array<ArrayBuffer>>}
 */
export async function inflated(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
