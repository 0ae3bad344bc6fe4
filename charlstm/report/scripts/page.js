"use strict";

// What is chosen, and what is known of it. Every part of the page reads this and follows its changes.

const data = JSON.parse(document.getElementById("data").textContent);
const state = { row: -1, loose: undefined, excerpt: 0, at: 0, to: undefined };
const reading = document.getElementById("reading") !== null;
let characters = [];
let spans = [];
let drivers = [];
let hashTimer = 0;

const GATES = ["input", "forget", "candidate", "output"];
const find = (selector) => document.querySelector(selector);
const findAll = (selector) => [...document.querySelectorAll(selector)];
const bounded = (value, low, high) => Math.min(high, Math.max(low, value));
// A cell without a finding can be looked at, too.
const looseRow = (cell) => ({
  cell, kind: "", feature: "", feature_words: "", drivers: [], numbers: [], levels: null, survival: null,
  portrait: null, proof: null, mechanism: null,
});
const row = () => data.rows[state.row] ?? state.loose;
const excerpt = () => data.excerpts[state.excerpt];
const recorded = () => excerpt().cells[row().cell];
const values = () => recorded()?.tanh_c ?? packed(row().cell);
const truths = () => excerpt().features[row().feature];
const sign = (character) => data.symbols[character] ?? character;
const isBinary = (series) => series !== undefined && series.every((value) => value === 0 || value === 1);

function signed(value) {
  if (value === null || value === undefined) return "not recorded";
  return (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);
}

// A number for a reader: three digits, no exponent, a real minus.
function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en", { maximumFractionDigits: digits }).replace("-", "\u2212");
}

// An HTML element, or an SVG one where the name begins with svg:, with its attributes and children.
function make(name, attributes = {}, ...children) {
  const drawn = name.startsWith("svg:");
  const element = drawn ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

// Parts of the page that follow what is chosen: each function is called after every change of its kind.
const followers = { cell: [], place: [] };
const tell = (change) => followers[change].forEach((follow) => follow());
