// tanh(c) of all cells along each excerpt, unpacked in the background: see excerpts.py for the packing

const grids = [];
const packed = (cell) => grids[state.excerpt]?.get(cell)?.values;

// The bytes behind base64 of a deflated stream. Nothing is fetched: the stream starts and ends here.
async function inflated(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function unpack(grid, length) {
  const steps = await inflated(grid.tanh_c);
  return new Map(grid.cells.map((cell, place) => {
    const values = new Float32Array(length);
    let sum = 0;
    for (let index = 0; index < length; index += 1) {
      sum = ((sum + steps[place * length + index]) << 24) >> 24;
      values[index] = sum / 127;
    }
    return [cell, { values, threshold: grid.thresholds[place] }];
  }));
}

async function unpackAll() {
  for (const [index, one] of data.excerpts.entries()) {
    if (one.grid) grids[index] = await unpack(one.grid, Array.from(one.text).length);
  }
}
