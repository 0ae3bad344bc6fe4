// This file starts the report page.

import { followWithEvidence } from "./charts/cell_evidence.js";
import { showSetCharts } from "./charts/circuit_charts.js";
import { showNetworkCharts } from "./charts/network_charts.js";
import { listenToFirstFlip } from "./first/first_flip.js";
import { showFirstText } from "./first/first_text.js";
import { readGlossary } from "./glossary/terms.js";
import { listenToTerms } from "./glossary/tip.js";
import { startLesson } from "./lesson/lesson_pages.js";
import { startLineup } from "./lesson/lineup.js";
import { startPrediction } from "./lesson/prediction.js";
import { listenToCopyLink } from "./links/copy_link.js";
import { showEmbedded, wantedAddress } from "./links/embedding.js";
import { showAddressedPanel } from "./live/panel_address.js";
import { startPanel } from "./live/panel_events.js";
import { showTraining } from "./over_time/moment_slider.js";
import { followLink, rememberView, restoreView } from "./page/address.js";
import { listenToTable } from "./page/cell_table.js";
import { showChosenCell } from "./page/chosen_cell.js";
import { followWithLines } from "./page/example_lines.js";
import { buildTracks } from "./page/gate_tracks.js";
import { listenToKeys } from "./page/keyboard.js";
import { listenToPointer } from "./page/pointer.js";
import { followers, hasChosenRow, hasReadingSection, recordedCell, view } from "./page/state.js";
import { addColourClasses } from "./shared/coloured_text.js";
import { unpackExcerpts } from "./shared/packed_values.js";
import { data, readData } from "./shared/page_data.js";
import { startStep } from "./step/step_section.js";

async function startReportPage() {
  await readData();
  addColourClasses();
  showFirstText();
  listenToFirstFlip();
  startPrediction();
  startLineup();
  startStep();
  // The keys of the page move what the lesson hides.
  if (!startLesson()) listenToKeys();
  listenToCopyLink();
  readGlossary();
  listenToTerms();
  showNetworkCharts();
  showSetCharts();
  await showTraining();
  if (data.rows.length) listenToTable();
  if (hasReadingSection) buildTracks();
  followWithLines();
  followWithEvidence();
  followers.view.push(rememberView);
  startPanel();
  restoreView(wantedAddress());
  showEmbedded();
  if (hasReadingSection) listenToPointer();
  window.addEventListener("hashchange", followLink);
  await unpackExcerpts();
  // The chosen cell may be one whose values were still packed, and a passage needs those of all cells.
  if (hasReadingSection && hasChosenRow() && (!recordedCell() || view.passageEnd !== undefined))
    showChosenCell();
  // Last, since all that is drawn above the panel moves it.
  showAddressedPanel();
}

startReportPage();
