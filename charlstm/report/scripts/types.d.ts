// The types of the pages' JSON and of what the scripts make of it. Only the type checker reads this file: no
// page contains it. charlstm/report/page/ makes the JSON, mostly from fields of findings.json.

/** Values along a text; null where a value was not recorded. */
type Series = (number | null)[];

/** What the script of the report page reads: the element with the id "data". */
interface ReportData {
  rows: Row[];
  excerpts: Excerpt[];
  /** Characters that cannot be seen, with the symbol that is shown in the place of each. */
  symbols: Record<string, string>;
  network: NetworkData;
  circuits: Circuits;
  overTime: OverTime | null;
  lesson: Lesson;
}

/** What the exercises show, as charlstm/report/page/lesson/ chose it. */
interface Lesson {
  rounds: PredictionRound[];
  lineup: Lineup | null;
}

/**
 * A row's cell to predict on a part of its excerpt: what lies before `given` is coloured. The threshold is a
 * tanh(c). `hint` says what counts as inside; "" where nothing does.
 */
interface PredictionRound {
  row: number;
  start: number;
  given: number;
  stop: number;
  threshold: number;
  hint: string;
}

/** Cells on the same lines, of which the network uses one. `used`, `inert` and `row` are numbers of rows. */
interface Lineup {
  used: number;
  inert: number | null;
  cells: { cell: string; row: number | null; who: string }[];
  /** What a closer becomes without the memory of the used cell and of the inert one. */
  likelier: string;
  inert_likelier: string;
  /** The number of the excerpt; null stands for that of the used cell. */
  excerpt: number | null;
  stop: number;
  closers: string;
}

/** What the network and its cells did at some steps of the training; `start` is the cell that is shown first. */
interface OverTime {
  steps: number[];
  bits: Series;
  cells: CellOverTime[];
  start: number;
  excerpt: ExcerptOverTime | null;
}

/**
 * How closely a cell followed its feature at each step, and its effect in nats and as a share of the last one.
 * `name` is that of the feature, `feature` tells it in words, `told` when the cell appeared, and `since` has
 * what the cell does at the end with the steps from which on it does so.
 */
interface CellOverTime {
  cell: string;
  name: string;
  feature: string;
  told: [string, boolean][];
  since: [string, number][];
  score: Series;
  effect: Series;
  nats: Series;
}

/** A text with tanh(c) of cells along it: for each cell a row at each step, packed. */
interface ExcerptOverTime {
  text: string;
  cells: string[];
  features: Record<string, Series>;
  tanh_c: string;
}

/** What the script of the comparison page reads. */
interface ComparisonData {
  symbols: Record<string, string>;
  sides: { name: string; rows: Row[]; excerpt: Excerpt; network: NetworkData }[];
}

/** One finding, or a cell without a finding. */
interface Row {
  cell: string;
  kind: string;
  feature: string;
  feature_words: string;
  /** 1, or -1 where c falls with the feature: "on", or a high count, is then a low c. */
  polarity: number;
  drivers: string[];
  /** Sentences; each part is a text and whether it is a quotation from the corpus. */
  told?: [string, boolean][][];
  numbers: [string, string][];
  survival: number[] | null;
  portrait: Portrait | null;
  proof: Intervention | null;
  evidence: Evidence | null;
  mechanism: Mechanism | null;
  /** The number of the excerpt in which the cell is shown at work, and short lines of text with its values. */
  excerpt: number | null;
  lines: ExampleLine[];
}

/** A short piece of text around a character where a feature goes on, or a counter starts again. */
interface ExampleLine {
  group: string;
  start: number;
  text: string;
  agreement: number | null;
  tanh_c_hundredths: number[];
  feature: number[];
}

/** A contiguous piece of the text with the values of cells and features at each character. */
interface Excerpt {
  split: string;
  start: number;
  text: string;
  cells: Record<string, RecordedCell>;
  features: Record<string, Series>;
  grid: PackedValues | null;
  /** Whether it was chosen for one feature, and has no other cells than those that follow it. */
  own: boolean;
}

/**
 * The values of a cell along an excerpt: tanh(c), and under other names c in thousandths, gates in
 * hundredths.
 */
interface RecordedCell {
  tanh_c: Series;
  [series: string]: Series | undefined;
}

/** tanh(c) of many cells along an excerpt: base64 of a deflated stream. */
interface PackedValues {
  cells: string[];
  of: number;
  thresholds: number[];
  tanh_c: string;
}

/** tanh(c) of one cell along an excerpt, and the value that separates its low level from its high one. */
interface UnpackedValues {
  values: Float32Array;
  threshold: number;
}

interface Quartiles {
  mean: Series;
  low: Series;
  high: Series;
}

/** How a cell moves: around events of its feature, by level of its feature, and in three excerpts. */
interface Portrait {
  trace: { first: number; events: Record<string, Quartiles & { count: number }> };
  histogram: Record<string, number[]>;
  staircase: (Quartiles & { count: number[] }) | null;
  excerpts: Record<
    string,
    { start: number; text: string; tanh_c: Series; feature: Series; r: number; step: number } | null
  >;
}

/** What changing a cell did to a prediction, beside the same change of matched cells; effects are in nats. */
interface Intervention {
  /** The characters that end the feature, or [^...] with those that do not. */
  target: string | null;
  lag: number | null;
  sites: number | null;
  effect_nats: number;
  /** The ends of the effect's 95% interval; missing in findings of schema version 1. */
  interval?: [number, number] | null;
  others: Record<string, number | null>;
  dose_response: Dose[] | null;
  control_effects: MatchedCells | null;
}

interface Dose {
  dose: number;
  effect_nats: number;
  low?: number | null;
  high?: number | null;
}

/** A value with the ends of its 95% interval; an end is null where it is not known. */
interface Estimate {
  value: number;
  low: number | null;
  high: number | null;
}

/** The tests that a verdict rests on. Effects and the limit are in nats, shares mostly in [0, 1]. */
interface Evidence {
  limit: number | null;
  necessity: { name: string; sites: number | null; nats: Estimate }[];
  by_lag: { lag: number; sites: number | null; nats: Estimate | null }[];
  monotone: boolean;
  insertion: Estimate | null;
  restoration: Estimate | null;
  restoration_baseline: number | null;
  interchange: {
    pairs: number | null;
    share: Estimate | null;
    random_cells: number | null;
    linear_direction: number | null;
  };
  own: Estimate | null;
  others: { feature: string; target: string; nats: Estimate }[];
  rank: { rank: number | null; cells: number | null; p95: number | null; others: number | null };
}

/** Which sets of cells carry a behaviour, and what passes between cells. */
interface Circuits {
  behaviours: { feature: string; curves: SetCurve[] }[];
  edges: Edge[];
}

/** What sets of cells, of growing size, keep alone, and what is left without them, in one order of cells. */
interface SetCurve {
  order: string;
  keep: SetShare[];
  remove: SetShare[];
}

interface SetShare {
  cells: number;
  share: number | null;
  low: number | null;
  high: number | null;
}

/** A way by which a change of a cell reaches a prediction; values are changes of log odds in nats. */
interface Edge {
  from: string;
  to: string;
  kind: string;
  feature: string | null;
  value: Estimate;
  /** What the cell does as a whole, in the same unit. */
  of: number | null;
}

interface MatchedCells {
  count?: number;
  median?: number | null;
  p95?: number | null;
  max?: number | null;
  quantiles?: number[];
}

/** The gates' means under names such as forget_gate and forget_gate_at_drivers, and the weights. */
interface Mechanism {
  weights?: Wiring;
  [measure: string]: unknown;
}

/** Weights to and from a cell, by gate, by driver, by cell and by next character. */
interface Wiring {
  from_driver?: Record<string, Record<string, number>>;
  from_self?: Record<string, number>;
  from_cells?: Record<string, Record<string, number>>;
  to_logits?: Record<string, number>;
  to_cells?: Record<string, number>;
}

/**
 * For each cell of a layer, the shares of positions at which a gate is below 0.1 (low) and above 0.9 (high).
 */
type GateShares = Record<string, { low: number[]; high: number[] }>;

interface LayerGates {
  layer: number;
  gates: GateShares;
  untrained: GateShares;
}

interface NetworkData {
  layers: LayerGates[];
  reach: { cells: Series; controls: Series; untrained: Series };
}

/** A picture with its title, the sentence below the title, its legend as [class, name], and its numbers. */
interface Chart {
  title: string;
  note: string;
  picture: Element;
  legend?: [string, string][];
  numbers: () => NumberTable;
}

interface NumberTable {
  head: string[];
  rows: (string | number | null | undefined)[][];
}

/** A scale: a value in the units of the data -> a coordinate in the picture. */
type Scale = (value: number) => number;

/** Something that is drawn in a chart, from its horizontal and its vertical scale. */
type Mark = (across: Scale, up: Scale) => Element | Element[];

/** One line of the plots along the text, with the elements that show it. */
interface Track {
  name: string;
  series: () => Series | Float32Array | undefined;
  label: () => string;
  centred: boolean;
  /** The value at the upper edge, where it does not depend on the series. */
  top?: number;
  drawn?: Series | Float32Array;
  scale: number;
  line: HTMLElement;
  labelBox: HTMLElement;
  valueBox: HTMLElement;
  paths: TrackPaths;
}

interface TrackPaths {
  cursor: Element;
  above: Element;
  below: Element;
  curve: Element;
}

/** What the live panel reads: the element with the id "model-data". */
interface ModelData {
  header: NetworkHeader;
  cells: Record<string, WatchedFinding>;
}

interface NetworkHeader {
  layers: number;
  cells: number;
  activation: "tanh" | "softsign" | "hardtanh" | "relu" | "identity";
  gate_activation: "sigmoid" | "hard_sigmoid";
  level: "characters" | "bytes";
  symbols: string[];
  bits: number;
  /** The sizes of the packed vectors and matrices, by name, in the order in which they are packed. */
  vectors: Record<string, number>;
  matrices: Record<string, [number, number]>;
}

interface WatchedFinding {
  kind: string;
  words: string;
  verdict: string;
  levels: { off: number; on: number } | null;
  polarity: number;
  /** The mean c of a counter or a depth counter at each of its values from 0 on. */
  stairs: number[] | null;
  /** The characters on which a change of the cell was tested. */
  closers: string;
}

/** A matrix in blocks of eight columns. */
interface BlockedMatrix {
  blocks: Float32Array;
  rows: number;
  columns: number;
}

interface Network {
  layers: number;
  cells: number;
  activation: (x: number) => number;
  gate: (x: number) => number;
  largestState: number;
  symbols: string[];
  level: NetworkHeader["level"];
  idOfSymbol: Map<string, number>;
  table: Float32Array | undefined;
  embedding: Float32Array | undefined;
  projections: Float32Array[];
  inputs: (BlockedMatrix | undefined)[];
  recurrent: BlockedMatrix[];
  biases: Float32Array[];
  head: BlockedMatrix;
  headBias: Float32Array;
  /** Room for the sums of the four gates of one layer. */
  sums: Float32Array;
}

/** h and c of every layer. */
interface NetworkState {
  h: Float32Array[];
  c: Float32Array[];
}

interface CellPlace {
  layer: number;
  cell: number;
}

/** A cell whose state c is set to a value at every character. */
interface HeldCell extends CellPlace {
  value: number;
}

/**
 * What the network did along a text: the ids that it read, h and c after each of them, and the bits of each.
 */
interface StateTrace {
  network: Network;
  start: NetworkState;
  ids: number[];
  h: Float32Array[][];
  c: Float32Array[][];
  bits: number[];
}

/** A character or a byte as the network reads it and as the page draws it. */
interface TextSymbol {
  id: number;
  text: string;
  shown: string;
  kind: "" | "newline" | "tab" | "code" | "unknown";
}

interface ContinuationSettings {
  held: HeldCell[];
  once: boolean;
  length: number;
  temperature: number;
  seed: number;
}

/** What a cell adds to a sum: its value, which is h, times a weight. */
interface CellPart {
  name: string;
  value: number;
  weight: number;
}

/** What a sum is made of. `character` is the weight of the character that is read; a sum may have none. */
interface StepSum {
  bias: number;
  character?: number;
  cells: CellPart[];
}

/** A line of a sum as it is shown: its name, a product in words, and what it adds, now and one character before. */
interface SumLine {
  name: string;
  kind: "bias" | "character" | "cell" | "others";
  product: string;
  now: number;
  before?: number;
}

/** A sum as it is shown, in hundredths, so that its lines add up to its total. */
interface ShownSum {
  lines: SumLine[];
  now: number;
  before?: number;
}

/** One step of a cell: the sums of its gates, in the order of GATES, and what comes of them. */
interface Step {
  place: CellPlace;
  trace: StateTrace;
  index: number;
  sums: ShownSum[];
  gates: number[];
  gatesBefore?: number[];
  cBefore: number;
  c: number;
  h: number;
  change: "switch on" | "switch off" | "stay as it is" | "rise" | "fall";
}
