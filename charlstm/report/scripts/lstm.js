// The network's own forward pass: the equations of cell.py, one character at a time
//
//   i, f, o = sigmoid(W x + U h + b)    g = act(W x + U h + b)    c' = f c + i g    h' = o act(c')
//
// c' stays within LARGEST where the activation has no bounds.
//
// The rows of every matrix stand in PyTorch's order i, f, g, o, each of so many cells.

const ACTIVATIONS = {
  tanh: Math.tanh,
  softsign: (x) => x / (1 + Math.abs(x)),
  hardtanh: (x) => Math.min(1, Math.max(-1, x)),
  relu: (x) => Math.max(0, x),
  identity: (x) => x,
};
const LARGEST = 3;
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const padded = (columns) => Math.ceil(columns / 8) * 8;

// A matrix in blocks of eight columns: eight products in one pass over the sums was the fastest of twelve ways
// tried in Chromium, twice as fast as row by row. Vectors that it meets are padded with zeros to whole blocks.
async function blocked(values, rows, columns) {
  const blocks = new Float32Array(rows * padded(columns));
  await inSlices(0, rows, (row) => {
    for (let column = 0; column < columns; column += 1) {
      blocks[((column >> 3) * rows + row) * 8 + (column & 7)] = values[row * columns + column];
    }
  });
  return { blocks, rows, columns };
}

// sums += matrix x
function addProduct({ blocks, rows, columns }, x, sums) {
  let at = 0;
  for (let k = 0; k < columns; k += 8) {
    const x0 = x[k],
      x1 = x[k + 1],
      x2 = x[k + 2],
      x3 = x[k + 3];
    const x4 = x[k + 4],
      x5 = x[k + 5],
      x6 = x[k + 6],
      x7 = x[k + 7];
    for (let row = 0; row < rows; row += 1, at += 8) {
      sums[row] +=
        blocks[at] * x0 +
        blocks[at + 1] * x1 +
        (blocks[at + 2] * x2 + blocks[at + 3] * x3) +
        (blocks[at + 4] * x4 + blocks[at + 5] * x5 + (blocks[at + 6] * x6 + blocks[at + 7] * x7));
    }
  }
}

// One row of the product, for the gates of one cell.
function rowProduct({ blocks, rows, columns }, row, x) {
  let sum = 0;
  for (let k = 0; k < columns; k += 1) sum += blocks[((k >> 3) * rows + row) * 8 + (k & 7)] * x[k];
  return sum;
}

// header is what the page says of the model, tensors its vectors and matrices by name as plain Float32Arrays.
async function buildNetwork(header, tensors) {
  const { layers, cells } = header;
  const matrix = (name) => name in header.matrices && blocked(tensors[name], ...header.matrices[name]);
  const each = (make) => Promise.all(Array.from({ length: layers }, (_, layer) => make(layer)));
  return {
    layers,
    cells,
    act: ACTIVATIONS[header.activation],
    largest: ["relu", "identity"].includes(header.activation) ? LARGEST : Infinity,
    symbols: header.symbols,
    level: header.level,
    table: tensors.table,
    embedding: tensors.embedding,
    projections: [],
    inputs: await each((layer) => matrix(`input.${layer}`)),
    recurrent: await each((layer) => matrix(`recurrent.${layer}`)),
    biases: await each((layer) => tensors[`bias.${layer}`]),
    head: await matrix("head"),
    headBias: tensors.head_bias,
    sums: new Float32Array(4 * cells),
  };
}

// W x + b of the first layer for a character: made once, so that no step multiplies by its input weights.
function projection(network, id) {
  return (network.projections[id] ??= makeProjection(network, id));
}

function makeProjection({ table, embedding, inputs, biases, cells }, id) {
  const sums = biases[0].slice();
  if (table) return sums.map((bias, row) => bias + table[id * 4 * cells + row]);
  const { columns } = inputs[0];
  const x = new Float32Array(padded(columns));
  x.set(embedding.subarray(id * columns, (id + 1) * columns));
  addProduct(inputs[0], x, sums);
  return sums;
}

// What the layers remember: h and c of each, zeros when nothing is read.
function emptyState({ layers, cells }) {
  const zeros = () => Array.from({ length: layers }, () => new Float32Array(padded(cells)));
  return { h: zeros(), c: zeros() };
}

// Read one character: state is changed in place. held are { layer, cell, value }: cell states set after the update
// and before h is formed, as cell.step does.
function readCharacter(network, state, id, held = []) {
  const { sums } = network;
  for (let layer = 0; layer < network.layers; layer += 1) {
    sums.set(layer ? network.biases[layer] : projection(network, id));
    if (layer) addProduct(network.inputs[layer], state.h[layer - 1], sums);
    addProduct(network.recurrent[layer], state.h[layer], sums);
    updateCells(
      network,
      state.h[layer],
      state.c[layer],
      held.filter((one) => one.layer === layer),
    );
  }
}

function updateCells({ cells, act, largest, sums }, h, c, held) {
  for (let cell = 0; cell < cells; cell += 1) {
    const sum = sigmoid(sums[cells + cell]) * c[cell] + sigmoid(sums[cell]) * act(sums[2 * cells + cell]);
    c[cell] = Math.max(-largest, Math.min(largest, sum));
  }
  for (const { cell, value } of held) c[cell] = value;
  for (let cell = 0; cell < cells; cell += 1) h[cell] = sigmoid(sums[3 * cells + cell]) * act(c[cell]);
}

// The four gates of one cell at the character id, from h of all layers before it and after it.
function gatesOf(network, { layer, cell }, id, before, after) {
  return GATES.map((name, gate) => {
    const row = gate * network.cells + cell;
    const input = layer
      ? network.biases[layer][row] + rowProduct(network.inputs[layer], row, after[layer - 1])
      : projection(network, id)[row];
    const sum = input + rowProduct(network.recurrent[layer], row, before[layer]);
    return name === "candidate" ? network.act(sum) : sigmoid(sum);
  });
}

// The probability of every next character, Float64Array; temperature 0 leaves the likeliest alone.
function nextProbabilities({ head, headBias, layers }, state, temperature = 1) {
  const logits = headBias.slice();
  addProduct(head, state.h[layers - 1], logits);
  return softmax(logits, temperature);
}

// Loops, not map and reduce: with those, a third of the time of a character went here.
function softmax(logits, temperature) {
  const probabilities = new Float64Array(logits.length);
  let likeliest = 0;
  for (let id = 1; id < logits.length; id += 1) if (logits[id] > logits[likeliest]) likeliest = id;
  let sum = 0;
  for (let id = 0; id < logits.length; id += 1) {
    const below = logits[likeliest] - logits[id];
    sum += probabilities[id] = temperature ? Math.exp(-below / temperature) : Number(id === likeliest);
  }
  for (let id = 0; id < logits.length; id += 1) probabilities[id] /= sum;
  return probabilities;
}

// Numbers in (0, 1) from a seed: xorshift of 32 bits (Marsaglia 2003), its first ones thrown away.
function randomFrom(seed) {
  let bits = Math.imul(seed + 1, 0x9e3779b1) || 1;
  const next = () => {
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    return ((bits >>> 0) + 0.5) / 2 ** 32;
  };
  for (let turn = 0; turn < 8; turn += 1) next();
  return next;
}

// An id drawn from probabilities: the first to finish where each runs at its own pace (Gumbel 1954). With the same
// random numbers a change of the probabilities changes what is drawn only where it must.
function drawn(probabilities, random) {
  let winner = 0;
  let best = -1;
  for (let id = 0; id < probabilities.length; id += 1) {
    const pace = probabilities[id] / -Math.log(random());
    if (pace > best) [winner, best] = [id, pace];
  }
  return winner;
}
