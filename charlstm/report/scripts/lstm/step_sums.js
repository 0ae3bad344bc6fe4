// This file takes the sums of one step apart: what a gate of a cell adds up, and what a logit adds up.

import { range } from "../shared/numbers.js";
import { GATES } from "../shared/page_data.js";
import { firstLayerSums, weightAt } from "./forward_pass.js";

/**
 * Return what the sum of each gate of a cell is made of at a character of a trace, in the order of GATES. A layer
 * above the first reads h of the layer below, which has read the character already; each layer reads its own h from
 * before the character.
 * @type {(trace: StateTrace, place: CellPlace, index: number) => StepSum[]}
 */
export function gateSums({ network, start, ids, h }, { layer, cell }, index) {
  const before = index ? h[index - 1] : start.h;
  const below = layer ? network.inputs[layer] : undefined;
  return GATES.map((_, gate) => {
    const row = gate * network.cells + cell;
    const bias = network.biases[layer][row];
    return {
      bias,
      character: layer ? undefined : firstLayerSums(network, ids[index])[row] - bias,
      cells: [
        ...(below ? cellParts(below, row, layer - 1, h[index][layer - 1]) : []),
        ...cellParts(network.recurrent[layer], row, layer, before[layer]),
      ],
    };
  });
}

/**
 * Return what the logit of a character is made of after a character of a trace: its bias and all cells of the last
 * layer.
 * @type {(trace: StateTrace, index: number, id: number) => StepSum}
 */
export function logitSum({ network: { head, headBias, layers }, h }, index, id) {
  return { bias: headBias[id], cells: cellParts(head, id, layers - 1, h[index][layers - 1]) };
}

/**
 * Return what a cell adds most to, of all gates of the layer above: the cell there, the gate, and the product.
 * @type {(trace: StateTrace, place: CellPlace, index: number) => { name: string, gate: string, product: number }}
 */
export function largestReader({ network: { inputs, cells }, h }, { layer, cell }, index) {
  const matrix = /** @type {BlockedMatrix} */ (inputs[layer + 1]);
  const weight = (/** @type {number} */ row) => weightAt(matrix, row, cell);
  const most = range(4 * cells).reduce((best, row) =>
    Math.abs(weight(row)) > Math.abs(weight(best)) ? row : best,
  );
  const name = `${layer + 1}:${most % cells}`;
  return { name, gate: GATES[Math.floor(most / cells)], product: h[index][layer][cell] * weight(most) };
}

/** @type {(matrix: BlockedMatrix, row: number, layer: number, h: Float32Array) => CellPart[]} */
const cellParts = (matrix, row, layer, h) =>
  range(matrix.columns).map((cell) => ({
    name: `${layer}:${cell}`,
    value: h[cell],
    weight: weightAt(matrix, row, cell),
  }));

/** @type {(sum: StepSum) => number} */
export const totalOf = ({ bias, character = 0, cells }) =>
  cells.reduce((total, { value, weight }) => total + value * weight, bias + character);
