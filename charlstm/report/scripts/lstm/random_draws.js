// This file draws ids from probabilities with random numbers from a seed.

/**
 * Return a function that gives numbers in (0, 1): xorshift with 32 bits (Marsaglia 2003), without its first
 * eight.
 * @type {(seed: number) => () => number}
 */
export function randomNumbers(seed) {
  let bits = Math.imul(seed + 1, 0x9e3779b1) || 1;
  const next = () => {
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    return ((bits >>> 0) + 0.5) / 2 ** 32;
  };
  for (let skipped = 0; skipped < 8; skipped += 1) next();
  return next;
}

/**
 * Draw an id from probabilities by the Gumbel-max trick (Gumbel 1954): the id with the largest p / -log(u),
 * one random number u for each id. With the same random numbers, a change of the probabilities changes the
 * drawn id only where it must.
 * @type {(probabilities: Float64Array, random: () => number) => number}
 */
export function drawId(probabilities, random) {
  let winner = 0;
  let largest = -1;
  for (let id = 0; id < probabilities.length; id += 1) {
    const value = probabilities[id] / -Math.log(random());
    if (value > largest) [winner, largest] = [id, value];
  }
  return winner;
}
