// This file steps the LSTM in the browser, one character at a time, by the equations of
// charlstm/model/equations.py:
//
//   i, f, o = gate(W x + U h + b)    g = act(W x + U h + b)    c' = f c + i g    h' = o act(c')
//
// gate is the sigmoid or Keras's hard sigmoid, which is cut at 0 and 1. c' stays within LARGEST_STATE where the activation is unbounded. The rows of every matrix stand in
// PyTorch's order: the input gate i of all cells, then the forget gate f, the candidate g and the output gate
// o.

import { GATES } from "../shared/page_data.js";
import { forEachInSlices } from "./time_slices.js";

const ACTIVATIONS = {
  tanh: Math.tanh,
  /** @type {(x: number) => number} */
  softsign: (x) => x / (1 + Math.abs(x)),
  /** @type {(x: number) => number} */
  hardtanh: (x) => Math.min(1, Math.max(-1, x)),
  /** @type {(x: number) => number} */
  relu: (x) => Math.max(0, x),
  /** @type {(x: number) => number} */
  identity: (x) => x,
};
const LARGEST_STATE = 3;

const GATE_FUNCTIONS = {
  /** @type {(x: number) => number} */
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  /** @type {(x: number) => number} */
  hard_sigmoid: (x) => Math.min(1, Math.max(0, 0.2 * x + 0.5)),
};

/**
 * Return the length of a vector that is padded with zeros to whole blocks of eight.
 * @type {(columns: number) => number}
 */
export const paddedLength = (columns) => Math.ceil(columns / 8) * 8;

/**
 * Arrange a matrix (rows, columns) in blocks of eight columns, so that one pass over the sums adds eight
 * products.
 * @type {(values: Float32Array, rows: number, columns: number) => Promise<BlockedMatrix>}
 */
async function blockedMatrix(values, rows, columns) {
  const blocks = new Float32Array(rows * paddedLength(columns));
  await forEachInSlices(0, rows, (row) => {
    for (let column = 0; column < columns; column += 1) {
      blocks[((column >> 3) * rows + row) * 8 + (column & 7)] = values[row * columns + column];
    }
  });
  return { blocks, rows, columns };
}

/**
 * Add the product of a matrix (rows, columns) and a vector x, padded to whole blocks, to sums (rows,).
 * @type {(matrix: BlockedMatrix, x: Float32Array, sums: Float32Array) => void}
 */
function addProduct({ blocks, rows, columns }, x, sums) {
  let at = 0;
  for (let k = 0; k < columns; k += 8) {
    const x0 = x[k];
    const x1 = x[k + 1];
    const x2 = x[k + 2];
    const x3 = x[k + 3];
    const x4 = x[k + 4];
    const x5 = x[k + 5];
    const x6 = x[k + 6];
    const x7 = x[k + 7];
    for (let row = 0; row < rows; row += 1, at += 8) {
      sums[row] +=
        blocks[at] * x0 +
        blocks[at + 1] * x1 +
        (blocks[at + 2] * x2 + blocks[at + 3] * x3) +
        (blocks[at + 4] * x4 + blocks[at + 5] * x5 + (blocks[at + 6] * x6 + blocks[at + 7] * x7));
    }
  }
}

/**
 * Return one weight of a matrix.
 * @type {(matrix: BlockedMatrix, row: number, column: number) => number}
 */
export const weightAt = ({ blocks, rows }, row, column) =>
  blocks[((column >> 3) * rows + row) * 8 + (column & 7)];

/**
 * Return one row of the product of a matrix and a vector, which is enough for the gates of one cell.
 * @type {(matrix: BlockedMatrix, row: number, x: Float32Array) => number}
 */
function rowOfProduct(matrix, row, x) {
  let sum = 0;
  for (let k = 0; k < matrix.columns; k += 1) sum += weightAt(matrix, row, k) * x[k];
  return sum;
}

/**
 * Return the network from its header and its unpacked vectors and matrices, which are named as in the header.
 * @type {(header: NetworkHeader, tensors: Record<string, Float32Array>) => Promise<Network>}
 */
export async function buildNetwork(header, tensors) {
  const { layers, cells, activation, gate_activation } = header;
  /** @type {(name: string) => Promise<BlockedMatrix>} */
  const matrix = (name) => blockedMatrix(tensors[name], ...header.matrices[name]);
  const numbers = Array.from({ length: layers }, (_, layer) => layer);
  return {
    layers,
    cells,
    activation: ACTIVATIONS[activation],
    gate: GATE_FUNCTIONS[gate_activation],
    largestState: activation === "relu" || activation === "identity" ? LARGEST_STATE : Infinity,
    symbols: header.symbols,
    level: header.level,
    idOfSymbol: new Map(header.symbols.map((symbol, id) => [symbol, id])),
    table: tensors.table,
    embedding: tensors.embedding,
    projections: [],
    // A model whose first layer reads from a table of products has no input weights there.
    inputs: await Promise.all(
      numbers.map((layer) => (`input.${layer}` in header.matrices ? matrix(`input.${layer}`) : undefined)),
    ),
    recurrent: await Promise.all(numbers.map((layer) => matrix(`recurrent.${layer}`))),
    biases: numbers.map((layer) => tensors[`bias.${layer}`]),
    head: await matrix("head"),
    headBias: tensors.head_bias,
    sums: new Float32Array(4 * cells),
  };
}

/**
 * Return W x + b (4 cells,) of the first layer for the character with an id. Each is computed once, so that a
 * step does not multiply by the input weights.
 * @type {(network: Network, id: number) => Float32Array}
 */
export function firstLayerSums(network, id) {
  network.projections[id] ??= computedFirstLayerSums(network, id);
  return network.projections[id];
}

/** @type {(network: Network, id: number) => Float32Array} */
function computedFirstLayerSums({ table, embedding, inputs, biases, cells }, id) {
  const sums = biases[0].slice();
  if (table) return sums.map((bias, row) => bias + table[id * 4 * cells + row]);
  const input = /** @type {BlockedMatrix} */ (inputs[0]);
  const x = new Float32Array(paddedLength(input.columns));
  if (embedding) x.set(embedding.subarray(id * input.columns, (id + 1) * input.columns));
  addProduct(input, x, sums);
  return sums;
}

/**
 * Return h and c of all layers before anything is read: zeros.
 * @type {(network: Network) => NetworkState}
 */
export function emptyState({ layers, cells }) {
  const zeros = () => Array.from({ length: layers }, () => new Float32Array(paddedLength(cells)));
  return { h: zeros(), c: zeros() };
}

/**
 * Read the character with an id: the state is changed in place. The state c of a held cell is set after the
 * update and before h is computed.
 * @type {(network: Network, state: NetworkState, id: number, held?: HeldCell[]) => void}
 */
export function stepNetwork(network, state, id, held = []) {
  const { sums } = network;
  for (let layer = 0; layer < network.layers; layer += 1) {
    sums.set(layer ? network.biases[layer] : firstLayerSums(network, id));
    const input = network.inputs[layer];
    if (layer && input) addProduct(input, state.h[layer - 1], sums);
    addProduct(network.recurrent[layer], state.h[layer], sums);
    const heldHere = held.filter((cell) => cell.layer === layer);
    updateCells(network, state.h[layer], state.c[layer], heldHere);
  }
}

/** @type {(network: Network, h: Float32Array, c: Float32Array, held: HeldCell[]) => void} */
function updateCells({ cells, activation, gate, largestState, sums }, h, c, held) {
  for (let cell = 0; cell < cells; cell += 1) {
    const candidate = activation(sums[2 * cells + cell]);
    const sum = gate(sums[cells + cell]) * c[cell] + gate(sums[cell]) * candidate;
    c[cell] = Math.max(-largestState, Math.min(largestState, sum));
  }
  for (const { cell, value } of held) c[cell] = value;
  for (let cell = 0; cell < cells; cell += 1) h[cell] = gate(sums[3 * cells + cell]) * activation(c[cell]);
}

/**
 * Return the four gates of one cell at a character, in the order of GATES. `before` and `after` are h of all
 * layers before and after the character is read.
 * @type {(
 *   network: Network, place: CellPlace, id: number, before: Float32Array[], after: Float32Array[],
 * ) => number[]}
 */
export function gatesOfCell(network, { layer, cell }, id, before, after) {
  return GATES.map((name, gate) => {
    const row = gate * network.cells + cell;
    const input = network.inputs[layer];
    const fromInput =
      layer && input
        ? network.biases[layer][row] + rowOfProduct(input, row, after[layer - 1])
        : firstLayerSums(network, id)[row];
    const sum = fromInput + rowOfProduct(network.recurrent[layer], row, before[layer]);
    return name === "candidate" ? network.activation(sum) : network.gate(sum);
  });
}

/**
 * Return the probability of every next character, (vocabulary,). The temperature 0 gives the most likely
 * character the probability 1.
 * @type {(network: Network, state: Pick<NetworkState, "h">, temperature?: number) => Float64Array}
 */
export function nextProbabilities({ head, headBias, layers }, { h }, temperature = 1) {
  const logits = headBias.slice();
  addProduct(head, h[layers - 1], logits);
  return softmax(logits, temperature);
}

/**
 * Return the softmax of logits divided by the temperature. It has loops, since every character waits for it
 * and `map` and `reduce` are slower.
 * @type {(logits: ArrayLike<number>, temperature: number) => Float64Array}
 */
function softmax(logits, temperature) {
  const probabilities = new Float64Array(logits.length);
  let likeliest = 0;
  for (let id = 1; id < logits.length; id += 1) if (logits[id] > logits[likeliest]) likeliest = id;
  let sum = 0;
  for (let id = 0; id < logits.length; id += 1) {
    const below = logits[likeliest] - logits[id];
    probabilities[id] = temperature ? Math.exp(-below / temperature) : Number(id === likeliest);
    sum += probabilities[id];
  }
  for (let id = 0; id < logits.length; id += 1) probabilities[id] /= sum;
  return probabilities;
}
