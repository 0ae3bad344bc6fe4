// The weights, from the page's own text

// The vectors and matrices of a header by name, as weights.py packed them: rows of whole numbers times a scale.
async function unpackedWeights(header, base64) {
  const bytes = await inflated(base64);
  const vectors = Object.entries(header.vectors);
  const matrices = Object.entries(header.matrices);
  const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);
  const rows = sum(matrices.map(([, [count]]) => count));
  const floats = new Float32Array(bytes.buffer, 0, sum(vectors.map(([, size]) => size)) + rows);
  const total = sum(matrices.map(([, [count, width]]) => count * width));
  const tensors = {};
  let place = 0;
  for (const [name, size] of vectors) tensors[name] = floats.slice(place, (place += size));
  let start = 0;
  for (const [name, [count, width]] of matrices) {
    const scales = floats.subarray(place, (place += count));
    tensors[name] = await scaledRows(bytes.subarray(floats.byteLength), total, header.bits, start, scales, width);
    start += count * width;
  }
  return tensors;
}

// Numbers whose highest bytes are planes[0 .. total), the next ones planes[total .. 2 total), and so on.
async function scaledRows(planes, total, bits, start, scales, width) {
  const count = Math.ceil(bits / 8);
  const values = new Float32Array(scales.length * width);
  const zero = 2 ** (8 * count - 1);
  const unit = 2 ** (8 * count - bits);
  await inSlices(0, scales.length, (row) => {
    for (let index = row * width; index < (row + 1) * width; index += 1) {
      let raised = 0;
      for (let plane = 0; plane < count; plane += 1) raised = raised * 256 + planes[plane * total + start + index];
      values[index] = ((raised - zero) / unit) * scales[row];
    }
  });
  return values;
}
