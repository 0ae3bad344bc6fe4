// The model inside, in the address: what is written where the reader wrote it, the mark, and how the cell is held

const MOST_ADDRESSED = 2000;

function liveAddress() {
  const text = find("#live-text").value;
  const parts = text === live.given || text.length > MOST_ADDRESSED ? [] : [["write", text]];
  if (live.at >= 0 && live.at < live.units.length - 1) parts.push(["mark", live.at]);
  if (cellName(live.cell) !== row()?.cell) parts.push(["watch", cellName(live.cell)]);
  if (holding() !== "free") parts.push(["hold", holding() === "at" ? find("#live-range").value : holding()]);
  return parts;
}

function readLiveAddress(wanted) {
  // A link to another cell leaves what was written.
  if (live.given !== undefined && !wanted.has("write")) return;
  live.given ??= reading && characters.length ? stretch(state.at, { after: Math.max(1, 200 - state.at) }).text : "";
  find("#live-text").value = wanted.get("write") ?? live.given;
  const mark = Number.parseInt(wanted.get("mark") ?? "", 10);
  live.mark = Number.isInteger(mark) ? mark : undefined;
  const name = wanted.get("watch");
  if (find(`#live-cell option[value="${CSS.escape(name ?? "")}"]`)) chooseLive(name);
  restoreHold(wanted.get("hold"));
  if (live.network) readLive();
}

function restoreHold(hold) {
  if (hold === null || hold === "") return;
  const value = Number(hold);
  if (hold !== "on" && hold !== "off" && !Number.isFinite(value)) return;
  showSettings();
  if (Number.isFinite(value)) find("#live-range").value = value;
  holdCell(Number.isFinite(value) ? "at" : hold);
}
