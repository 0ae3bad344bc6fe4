"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const state = { row: 0, excerpt: 0, at: 0 };
const reading = data.rows.length > 0 && data.excerpts.length > 0;
let characters = [];
let spans = [];
let drivers = [];
let hashTimer = 0;

const find = (selector) => document.querySelector(selector);
const findAll = (selector) => [...document.querySelectorAll(selector)];
const bounded = (value, low, high) => Math.min(high, Math.max(low, value));
const row = () => data.rows[state.row];
const excerpt = () => data.excerpts[state.excerpt];
const values = () => excerpt().cells[row().cell];
const truths = () => excerpt().features[row().feature];
const sign = (character) => data.symbols[character] ?? character;
const isBinary = (series) => series !== undefined && series.every((value) => value === 0 || value === 1);

function signed(value) {
  if (value === null || value === undefined) return "not recorded";
  return (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);
}

// Parts of the page that follow what is chosen: each function is called after every change of its kind.
const followers = { cell: [], place: [] };
const tell = (change) => followers[change].forEach((follow) => follow());
