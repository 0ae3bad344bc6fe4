// This file unpacks the weights of the network, which charlstm/report/page/packed_model.py packs into the
// page.

import { inflated } from "../shared/inflated.js";
import { forEachInSlices } from "./time_slices.js";

/**
 * Return the vectors and matrices of a header by name. The packed bytes hold all vectors, then the scale of
 * each row of all matrices (all of these float32), then the whole numbers whose product with the scale is the
 * weight.
 * @type {(header: NetworkHeader, base64: string) => Promise<Record<string, Float32Array>>}
 */
export async function unpackedWeights(header, base64) {
  const bytes = await inflated(base64);
  const vectors = Object.entries(header.vectors);
  const matrices = Object.entries(header.matrices);
  const rowCount = sumOf(matrices.map(([, [rows]]) => rows));
  const floatCount = sumOf(vectors.map(([, size]) => size)) + rowCount;
  const floats = new Float32Array(bytes.buffer, 0, floatCount);
  const planes = bytes.subarray(floats.byteLength);
  const total = sumOf(matrices.map(([, [rows, columns]]) => rows * columns));
  /** @type {Record<string, Float32Array>} */
  const tensors = {};
  let place = 0;
  for (const [name, size] of vectors) {
    tensors[name] = floats.slice(place, place + size);
    place += size;
  }
  let start = 0;
  for (const [name, [rows, columns]] of matrices) {
    const scales = floats.subarray(place, place + rows);
    tensors[name] = await scaledRows({ planes, total, bits: header.bits }, start, scales, columns);
    place += rows;
    start += rows * columns;
  }
  return tensors;
}

/** @type {(sizes: number[]) => number} */
const sumOf = (sizes) => sizes.reduce((sum, size) => sum + size, 0);

/**
 * Return a matrix (scales, columns) as floats. Its numbers begin at `start` among all packed numbers, whose
 * highest bytes are planes[0 .. total), the next bytes planes[total .. 2 total), and so on.
 * @type {(
 *   packed: { planes: Uint8Array, total: number, bits: number },
 *   start: number,
 *   scales: Float32Array,
 *   columns: number,
 * ) => Promise<Float32Array>}
 */
async function scaledRows({ planes, total, bits }, start, scales, columns) {
  const planeCount = Math.ceil(bits / 8);
  const values = new Float32Array(scales.length * columns);
  const zero = 2 ** (8 * planeCount - 1);
  const unit = 2 ** (8 * planeCount - bits);
  await forEachInSlices(0, scales.length, (row) => {
    for (let index = row * columns; index < (row + 1) * columns; index += 1) {
      let raised = 0;
      for (let plane = 0; plane < planeCount; plane += 1) {
        raised = raised * 256 + planes[plane * total + start + index];
      }
      values[index] = ((raised - zero) / unit) * scales[row];
    }
  });
  return values;
}
