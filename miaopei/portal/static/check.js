// Checks a receipt in the browser: nothing is sent, and nothing of the server is asked.
//
// Written to docs/specs/receipt.md and docs/specs/checking.md; signatures and hashes by WebCrypto.
// It makes fewer checks than `miaopei verify`: LEFT_OUT names those it does not make.

"use strict";

const Receipt = (() => {
  const LARGEST_FILE = 16000000;
  const DEEPEST = 128;
  const LEFT_OUT = ["listing", "admissible", "event", "facts", "lists", "in_force", "totals", "reason"];

  const RULES = [1, 2, 3, 4, 5, 6, 7];
  // What must come from outside, by the reasons of the checks that lack it.
  const LACKS = { no_genesis_file: "genesis", own_word: "key" };

  class No extends Error {}

  function demand(holds, code) {
    if (!holds) throw new No(code);
  }

  // Bytes --------------------------------------------------------------------------------------

  const encoder = new TextEncoder();
  const bytesOf = (text) => encoder.encode(text);

  function joined(...parts) {
    const found = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      found.set(part, at);
      at += part.length;
    }
    return found;
  }

  const hex = (data) => Array.from(data, (b) => b.toString(16).padStart(2, "0")).join("");
  const isHex = (value, length) =>
    typeof value === "string" && value.length === length && /^[0-9a-f]*$/.test(value);

  function unhex(value) {
    demand(typeof value === "string" && value.length % 2 === 0 && /^[0-9a-f]*$/.test(value), "no_hex");
    return Uint8Array.from(value.match(/../g) || [], (pair) => parseInt(pair, 16));
  }

  const equal = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

  async function sha256(data) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  }

  async function signed(key, signature, message) {
    if (key.length !== 32 || signature.length !== 64) return false;
    try {
      const known = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, known, signature, message);
    } catch (error) {
      if (error.name === "NotSupportedError") throw error;
      return false;
    }
  }

  const hexSigned = async (key, signature, message) =>
    isHex(key, 64) && isHex(signature, 128) && signed(unhex(key), unhex(signature), message);

  // Canonical JSON: one spelling of every value --------------------------------------------------

  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

  function canonical(value) {
    const out = [];
    write(value, out);
    return out.join("");
  }

  function write(value, out) {
    if (value === null || typeof value === "boolean" || typeof value === "number") {
      demand(typeof value !== "number" || Number.isSafeInteger(value), "no_whole_number");
      out.push(Object.is(value, -0) ? "-0" : String(value));
    } else if (typeof value === "string") {
      out.push(JSON.stringify(value));
    } else if (Array.isArray(value)) {
      value.forEach((item, i) => {
        out.push(i ? "," : "[");
        write(item, out);
      });
      out.push(value.length ? "]" : "[]");
    } else {
      const names = Object.keys(value).sort();
      names.forEach((name, i) => {
        out.push(i ? "," : "{", JSON.stringify(name), ":");
        write(value[name], out);
      });
      out.push(names.length ? "}" : "{}");
    }
  }

  // What JSON.parse makes of some bytes, where writing it again gives the same bytes.
  function readCanonical(data) {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    const value = JSON.parse(text);
    walk(value, 0);
    demand(canonical(value) === text, "not_canonical");
    return value;
  }

  function walk(value, depth) {
    demand(depth < DEEPEST || typeof value !== "object" || value === null, "too_deep");
    if (typeof value === "string") {
      demand(value.isWellFormed(), "not_nfc");  // half a character, which has no bytes
      demand(value.normalize("NFC") === value, "not_nfc");
    } else if (Object.is(value, -0)) {
      demand(false, "not_canonical");
    } else if (Array.isArray(value)) {
      value.forEach((item) => walk(item, depth + 1));
    } else if (isObject(value)) {
      demand(Object.getPrototypeOf(value) === Object.prototype, "bad_name");
      for (const [name, item] of Object.entries(value)) {
        demand(/^[\x00-\x7f]+$/.test(name), "bad_name");
        walk(item, depth + 1);
      }
    }
  }

  const same = (a, b) => canonical(a) === canonical(b);

  async function contentId(kind, value) {
    return hex(await sha256(joined(bytesOf(`miaopei/v1/${kind}\0`), bytesOf(canonical(value)))));
  }

  function without(value, name) {
    const { [name]: _, ...rest } = value;
    return rest;
  }

  // Parts ----------------------------------------------------------------------------------------

  const has = (value, name) => Object.prototype.hasOwnProperty.call(value, name);

  function get(value, ...names) {
    for (const name of names) {
      demand(isObject(value) && has(value, name), `no field ${name}`);
      value = value[name];
    }
    return value;
  }

  function list(value) {
    demand(Array.isArray(value), "no_list");
    return value;
  }

  function num(value) {
    demand(Number.isSafeInteger(value), "no_whole_number");
    return value;
  }

  function obj(value) {
    demand(isObject(value), "no_object");
    return value;
  }

  const exactly = (value, ...names) =>
    isObject(value) && Object.keys(value).length === names.length && names.every((n) => has(value, n));
  const natural = (value) => Number.isSafeInteger(value) && value >= 0;

  // The log --------------------------------------------------------------------------------------

  const leafHash = (entry) => sha256(joined(new Uint8Array([0]), entry));
  const nodeHash = (left, right) => sha256(joined(new Uint8Array([1]), left, right));

  // RFC 9162, section 2.1.3.2.
  async function included(leaf, index, size, path, root) {
    if (!natural(index) || index >= size || path.length > 64) return false;
    let [node, last, head] = [BigInt(index), BigInt(size) - 1n, leaf];
    for (const step of path) {
      if (!isHex(step, 64) || last === 0n) return false;
      if (node & 1n || node === last) {
        head = await nodeHash(unhex(step), head);
        while (!(node & 1n) && node) [node, last] = [node >> 1n, last >> 1n];
      } else {
        head = await nodeHash(head, unhex(step));
      }
      [node, last] = [node >> 1n, last >> 1n];
    }
    return last === 0n && equal(head, root);
  }

  async function idIncluded(kind, value, index, count, path, root) {
    if (!isHex(root, 64)) return false;
    const leaf = await leafHash(unhex(await contentId(kind, value)));
    return included(leaf, index, num(count), path, unhex(root));
  }

  function base64(text) {
    demand(typeof text === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(text), "no_base64");
    const raw = atob(text);
    demand(btoa(raw) === text, "no_base64");
    return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  }

  const nameFits = (name) => name !== "" && !/[\s+\x00-\x1f]/.test(name);

  async function verifierKey(text) {
    const [name, id, ...rest] = text.split("+");
    const raw = base64(rest.join("+"));
    demand(rest.length && raw.length === 33 && raw[0] === 1 && nameFits(name), "vkey_malformed");
    const sum = hex((await sha256(joined(bytesOf(`${name}\n`), raw))).slice(0, 4));
    demand(sum === id, "vkey_malformed");
    return { name, id, key: raw.slice(1) };
  }

  function readCheckpoint(note) {
    const bad = "checkpoint_malformed";
    demand(note.length <= 1000000 && !/[\x00-\x09\x0b-\x1f]/.test(note), bad);
    const blank = note.lastIndexOf("\n\n");
    demand(blank >= 0 && note.endsWith("\n") && note.length > blank + 2, bad);
    const lines = note.slice(0, blank).split("\n");
    demand(lines.length >= 3 && !lines.includes("") && /^(0|[1-9][0-9]{0,18})$/.test(lines[1]), bad);
    const root = base64(lines[2]);
    const size = Number(lines[1]);
    demand(root.length === 32 && Number.isSafeInteger(size), bad);
    const marks = note.slice(blank + 2, -1).split("\n");
    demand(marks.length <= 100, bad);
    const signatures = marks.map((line) => {
      const parts = line.split(" ");
      const value = base64(parts.slice(2).join(" "));
      demand(parts[0] === "\u2014" && nameFits(parts[1] || "") && value.length >= 5, bad);
      return { name: parts[1], id: hex(value.slice(0, 4)), value: value.slice(4) };
    });
    return { origin: lines[0], size, root, body: bytesOf(note.slice(0, blank + 1)), signatures };
  }

  // The certificate of a consortium ----------------------------------------------------------------

  const HASHES = ["last_commit", "data", "validators", "next_validators", "consensus", "app", "results",
    "evidence", "proposer"];

  function varint(value) {
    let rest = BigInt(value);
    const found = [];
    while (rest > 127n) {
      found.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    return new Uint8Array([...found, Number(rest)]);
  }

  const none = new Uint8Array();
  const whole = (value) => {
    demand(natural(value), "certificate_malformed");
    return value;
  };
  const pbNumber = (field, value) => (value ? joined(new Uint8Array([field << 3]), varint(value)) : none);
  const pbMessage = (field, data) => joined(new Uint8Array([(field << 3) | 2]), varint(data.length), data);
  const pbBytes = (field, data) => (data.length ? pbMessage(field, data) : none);
  const pbFixed = (tag, value) => {
    const found = new DataView(new ArrayBuffer(8));
    found.setBigUint64(0, BigInt(value), true);
    return joined(new Uint8Array([tag]), new Uint8Array(found.buffer));
  };

  function strict(value, ...names) {
    demand(exactly(value, ...names), "certificate_malformed");
    return value;
  }

  function some(value) {
    demand(Array.isArray(value) && value.length <= 1000, "certificate_malformed");
    return value;
  }

  function raw(value) {
    demand(typeof value === "string" && value.length <= 200, "certificate_malformed");
    return unhex(value);
  }

  function pbTime(value) {
    const [seconds, nanos] = some(value);
    demand(value.length === 2 && whole(nanos) < 1e9, "certificate_malformed");
    return joined(pbNumber(1, whole(seconds)), pbNumber(2, nanos));
  }

  function pbBlock(value) {
    strict(value, "hash", "parts", "parts_hash");
    const parts = joined(pbNumber(1, whole(value.parts)), pbBytes(2, raw(value.parts_hash)));
    return joined(pbBytes(1, raw(value.hash)), pbMessage(2, parts));
  }

  async function tree(fields) {
    if (!fields.length) return sha256(none);
    let row = await Promise.all(fields.map(leafHash));
    while (row.length > 1) {
      const next = [];
      for (let i = 0; i < row.length; i += 2) {
        next.push(i + 1 < row.length ? await nodeHash(row[i], row[i + 1]) : row[i]);
      }
      row = next;
    }
    return row[0];
  }

  function header(value) {
    strict(value, "block_version", "app_version", "chain", "height", "time", "last_block", ...HASHES);
    demand(typeof value.chain === "string", "certificate_malformed");
    return value;
  }

  const headerHash = (h) =>
    tree([
      joined(pbNumber(1, whole(h.block_version)), pbNumber(2, whole(h.app_version))),
      pbBytes(1, bytesOf(h.chain)), pbNumber(1, whole(h.height)), pbTime(h.time), pbBlock(h.last_block),
      ...HASHES.map((name) => pbBytes(1, raw(h[name]))),
    ]);

  const setHash = (voters) =>
    tree(voters.map((v) => joined(pbMessage(1, pbBytes(1, v.key)), pbNumber(2, v.power))));

  const readVoters = (value) =>
    some(value).map((v) => {
      strict(v, "key", "power");
      return { key: raw(v.key), power: whole(v.power) };
    });

  async function founders(genesis) {
    const found = [];
    for (const seat of some(get(genesis, "seats"))) {
      const voter = { key: raw(get(seat, "engine")), power: whole(get(seat, "power")) };
      voter.address = hex((await sha256(voter.key)).slice(0, 20));
      if (voter.power) found.push(voter);
    }
    return found.sort((a, b) => b.power - a.power || (a.address < b.address ? -1 : 1));
  }

  async function signedBy(head, commit, chain, voters) {
    strict(commit, "round", "block", "votes");
    demand(head.chain === chain, "quorum_other_chain");
    demand(equal(raw(head.validators), await setHash(voters)), "quorum_other_set");
    const block = pbBlock(commit.block);
    demand(equal(raw(commit.block.hash), await headerHash(head)), "quorum_other_block");
    const votes = some(commit.votes);
    demand(votes.length === voters.length && voters.length <= 200, "quorum_votes");
    let [held, total] = [0n, 0n];
    for (const [place, voter] of voters.entries()) {
      total += BigInt(voter.power);
      if (votes[place] === null) continue;
      const vote = strict(votes[place], "time", "sig");
      const body = joined(
        pbNumber(1, 2), pbFixed(0x11, whole(head.height)),
        whole(commit.round) ? pbFixed(0x19, commit.round) : none,
        pbMessage(4, block), pbMessage(5, pbTime(vote.time)), pbBytes(6, bytesOf(chain)),
      );
      const good = await signed(voter.key, raw(vote.sig), joined(varint(body.length), body));
      demand(good, "quorum_signature");
      held += BigInt(voter.power);
    }
    demand(3n * held > 2n * total, "quorum_too_few");
  }

  async function certifiedRoot(value, genesis) {
    strict(value, "left", "header", "commit", "voters", "changes");
    const chain = `miaopei-${(await contentId("chain", genesis)).slice(0, 40)}`;
    let [voters, before] = [await founders(genesis), 0];
    for (const change of some(value.changes)) {
      strict(change, "header", "commit", "voters");
      const head = header(change.header);
      demand(whole(head.height) > before, "quorum_order");
      before = head.height;
      await signedBy(head, change.commit, chain, voters);
      voters = readVoters(change.voters);
      demand(equal(raw(head.next_validators), await setHash(voters)), "quorum_other_set");
    }
    const [left, head] = [header(value.left), header(value.header)];
    demand(whole(head.height) > before, "quorum_order");
    const shown = readVoters(value.voters);
    const alike = shown.length === voters.length &&
      shown.every((v, i) => v.power === voters[i].power && equal(v.key, voters[i].key));
    demand(alike, "quorum_other_set");
    await signedBy(head, value.commit, chain, voters);
    const follows = whole(left.height) + 1 === head.height && left.chain === chain;
    demand(follows && equal(raw(head.last_block.hash), await headerHash(left)), "quorum_not_next");
    return raw(head.app);
  }

  // Shape ------------------------------------------------------------------------------------------

  const ROLES = {
    genesis: "genesis", members: "admit_member", product: "file_product", listing: "list_product",
    batch: "admit_batch", hold: "hold_batch", areas: "file_area", sources: "register_source",
    facts: "record_facts", resolution: "resolve", trigger: "made", decisions: "decide",
    settlement: "made", payments: "confirm_payments", case: "made", blocks: "block", release: "release",
    keys: "change_key",
  };
  const OPTIONAL = ["release", "keys"]; // roles that stand there only where there are such leaves
  const MAY_SEND = {
    admit_member: ["operator"], file_product: ["operator", "carrier"],
    list_product: ["operator", "carrier"], admit_batch: ["operator", "carrier", "channel"],
    hold_batch: ["decider"], file_area: ["operator"], register_source: ["operator"],
    record_facts: ["gateway"], resolve: ["operator", "regulator"], release: ["operator", "regulator"],
    decide: ["decider"], confirm_payments: ["payer"],
  };
  // Of several members the last who agreed sends these, whatever its role; one that waited for
  // others has left a note.
  const AGREED = ["admit_member", "change_key", "list_product", "register_source"];

  const isPath = (value) =>
    Array.isArray(value) && value.length <= 64 && value.every((s) => typeof s === "string" && s.length === 64);
  const isRow = (v) =>
    v === null || (exactly(v, "row", "position", "path") && isObject(v.row) && natural(v.position) && isPath(v.path));
  const isClaim = (v) =>
    v === null || (exactly(v, "claim", "index", "count", "path") && isObject(v.claim) && natural(v.index) &&
      natural(v.count) && isPath(v.path));
  const isPaid = (v) =>
    v === null || (exactly(v, "outcome", "act", "index", "count", "path") && isObject(v.outcome) &&
      typeof v.act === "string" && natural(v.index) && natural(v.count) && isPath(v.path));
  const isPart = (v) =>
    exactly(v, "payout", "amount_fen", "paid") && isObject(v.payout) && natural(v.amount_fen) && isPaid(v.paid);
  const isLine = (v) =>
    exactly(v, "input", "source", "count", "rows") && typeof v.input === "string" && typeof v.source === "string" &&
    natural(v.count) && Array.isArray(v.rows) &&
    v.rows.every((r) => exactly(r, "row", "index", "path") && isObject(r.row) && natural(r.index) && isPath(r.path));
  const isEntry = (v) =>
    exactly(v, "index", "leaf", "path") && natural(v.index) && isObject(v.leaf) && isPath(v.path);

  function shape(r) {
    const names = ["v", "receipt", "vkey", "checkpoint", "leaves", "row", "before", "claim", "payouts", "signer", "sig"];
    if (isObject(r) && r.certificate !== undefined && r.certificate !== null) names.push("certificate");
    if (isObject(r) && has(r, "lines")) names.push("lines");
    demand(exactly(r, ...names), "malformed");
    demand(r.v === 1 && (r.receipt === "payout" || r.receipt === "refusal"), "malformed");
    for (const name of ["vkey", "checkpoint", "signer", "sig"]) demand(typeof r[name] === "string", "malformed");
    demand(!names.includes("certificate") || isObject(r.certificate), "malformed");
    demand(isObject(r.leaves) && isRow(r.row) && isRow(r.before) && isClaim(r.claim), "malformed");
    demand(Array.isArray(r.payouts) && r.payouts.every(isPart), "malformed");
    demand(!has(r, "lines") || (Array.isArray(r.lines) && r.lines.every(isLine)), "malformed");
    const shown = (role) => Array.isArray(r.leaves[role]) && r.leaves[role].length;
    const roles = Object.keys(ROLES).filter((role) => !OPTIONAL.includes(role) || shown(role));
    demand(exactly(r.leaves, ...roles), "malformed");
    for (const role of roles) demand(Array.isArray(r.leaves[role]) && r.leaves[role].every(isEntry), "malformed");
    parts(r);
  }

  function parts(r) {
    const count = (role) => (r.leaves[role] || []).length;
    const once = ["genesis", "product", "listing", "case"];
    let wanted;
    if (r.receipt === "payout" || count("settlement")) {
      once.push("trigger", "settlement");
      wanted = r.row !== null && count("decisions") && count("hold");
      wanted = wanted && (r.receipt === "payout" ? r.claim !== null && r.payouts.length : !r.payouts.length);
    } else {
      wanted = r.row === null && r.claim === null && !r.payouts.length &&
        !["trigger", "decisions", "payments", "batch", "hold"].some(count);
    }
    demand(wanted && once.every((role) => count(role) === 1) && (r.before === null || r.row !== null), "parts");
  }

  // Entries ------------------------------------------------------------------------------------------

  // Whether these are the fields of an act, with or without an end.
  function isAct(act) {
    const fields = ["v", "chain", "kind", "by", "key", "ref", "body", "sig"];
    if (exactly(act, ...fields)) return act.v === 1;
    const ended = exactly(act, ...fields, "until") && Number.isSafeInteger(act.until) && act.until >= 0;
    return ended && act.v === 2;
  }

  class Seen {
    constructor(value, vkey, genesis) {
      Object.assign(this, { value, vkey, founding: genesis });
      this.leaves = value.leaves;
      this.head = readCheckpoint(value.checkpoint);
      this.genesis = get(value.leaves.genesis[0].leaf, "value");
      this.certified = value.certificate !== undefined && value.certificate !== null;
    }

    // Everything that later checks look at: acts with their ids, made records, blocks, members.
    async gather() {
      this.acts = {};
      for (const [role, kind] of Object.entries(ROLES)) {
        if (["genesis", "made", "block"].includes(kind)) continue;
        this.acts[role] = [];
        for (const { index, leaf } of this.leaves[role] || []) {
          demand(exactly(leaf, "leaf", "height", "act", "result") && leaf.leaf === "act", "leaf_shape");
          const act = leaf.act;
          demand(isAct(act) && act.kind === kind && Number.isSafeInteger(leaf.height), "leaf_role");
          const wish = without(without(act, "sig"), "until"); // the same act whenever it ends
          const id = await contentId("act", { ...wish, v: 1 });
          this.acts[role].push({ id, index, height: leaf.height, act, body: obj(act.body), result: leaf.result });
        }
      }
      this.blocks = new Map();
      for (const { index, leaf } of this.leaves.blocks) {
        const names = ["leaf", "height", "time", "rules", "acts", "leaves", "writes", "previous"];
        demand(exactly(leaf, ...names) && leaf.leaf === "block" && !this.blocks.has(leaf.height), "leaf_shape");
        ["height", "time", "rules", "leaves"].forEach((name) => num(leaf[name]));
        this.blocks.set(leaf.height, { ...leaf, index });
      }
      this.members = new Map(list(get(this.genesis, "members")).map((m) => [get(m, "id"), [m, 0]]));
      for (const act of this.acts.members) {
        if (!this.members.has(get(act.body, "id"))) this.members.set(act.body.id, [act.body, act.index]);
      }
      this.made = {};
      for (const role of ["trigger", "settlement", "case"]) {
        if (!this.leaves[role].length) continue;
        const { index, leaf } = this.leaves[role][0];
        const fields = exactly(leaf, "leaf", "height", "by", "what", "id", "value", "because");
        const fits = fields && leaf.leaf === "made" && leaf.what === role && Number.isSafeInteger(leaf.height)
          && Array.isArray(leaf.because);
        const good = fits && isObject(leaf.value) && leaf.id === (await contentId(role, leaf.value));
        this.made[role] = { ...leaf, index, good };
      }
    }

    // The key that the last change before a position has given to a member.
    keyOf(name, before) {
      const given = this.acts.keys.filter((a) => a.body.member === name && a.index < before);
      const last = given.sort((one, other) => one.index - other.index).pop();
      return last === undefined ? undefined : get(last.body, "key");
    }

    record(role) {
      demand(this.made[role] && this.made[role].good, "made_id");
      return this.made[role];
    }

    one(role) {
      demand(this.acts[role].length === 1, "leaf_count");
      return this.acts[role][0];
    }

    time(height) {
      demand(this.blocks.has(height), "block_missing");
      return this.blocks.get(height).time;
    }

    get product() {
      return obj(get(this.one("product").body, "product"));
    }

    get listing() {
      return obj(get(this.one("listing").body, "listing"));
    }

    version(number) {
      const found = list(get(this.product, "versions")).find((v) => get(v, "number") === number);
      demand(found, "no_version");
      return found;
    }
  }

  const inForce = (key, time) =>
    num(get(key, "since")) <= time && (get(key, "until") === null || time < num(key.until));

  // Checks of the frame -------------------------------------------------------------------------------

  async function logKey(s) {
    demand(s.vkey, "own_word");
    await verifierKey(s.vkey);
    demand(s.value.vkey === s.vkey, "other_key");
  }

  function genesisFile(s) {
    demand(s.founding, "no_genesis_file");
    // Of a record that was first a solo one, the file holds its genesis beside the seats.
    demand(same("genesis" in s.founding ? s.founding.genesis : s.founding, s.genesis), "other_genesis_file");
  }

  async function certificate(s) {
    demand(s.founding, "no_genesis_file");
    demand(equal(await certifiedRoot(s.value.certificate, s.founding), s.head.root), "root_not_certified");
  }

  async function checkpoint(s) {
    const key = await verifierKey(s.vkey || s.value.vkey);
    demand(s.head.origin === key.name, "checkpoint_origin");
    const ours = s.head.signatures.filter((line) => line.name === key.name && line.id === key.id);
    demand(ours.length, "checkpoint_unsigned");
    for (const line of ours) demand(await signed(key.key, line.value, s.head.body), "checkpoint_signature");
  }

  async function inclusion(s) {
    const places = new Set();
    for (const { index, leaf, path } of Object.values(s.leaves).flat()) {
      demand(!places.has(index), "leaf_twice");
      places.add(index);
      const hashed = await leafHash(bytesOf(canonical(leaf)));
      demand(await included(hashed, index, s.head.size, path, s.head.root), "not_in_log");
    }
  }

  async function genesis(s) {
    const { index, leaf } = s.leaves.genesis[0];
    demand(index === 0 && leaf.leaf === "genesis" && exactly(leaf, "leaf", "value"), "genesis_place");
    const key = await verifierKey(s.vkey || s.value.vkey);
    demand(get(s.genesis, "origin") === key.name && key.name === s.head.origin, "genesis_origin");
    // In a consortium the certificate says which root holds, whoever signed the checkpoint.
    demand(s.certified || get(s.genesis, "log_key") === hex(key.key), "genesis_key");
    demand(get(s.genesis, "suite") === "intl" && get(s.genesis, "v") === 1, "suite");
    demand(["live", "replay"].includes(get(s.genesis, "clock")), "clock");
  }

  function blocks(s) {
    let [lastIndex, lastTime, lastHeight] = [0, num(get(s.genesis, "time")), 0];
    for (const b of [...s.blocks.values()].sort((one, other) => one.height - other.height)) {
      demand(RULES.includes(b.rules), "rules_unknown");
      const order = b.height > lastHeight && b.index - b.leaves + 1 > lastIndex && b.time >= lastTime && b.leaves > 0;
      demand(order, "block_order");
      [lastIndex, lastTime, lastHeight] = [b.index, b.time, b.height];
    }
    for (const [role, leaves] of Object.entries(s.leaves)) {
      if (role === "genesis" || role === "blocks") continue;
      for (const { index, leaf } of leaves) {
        const holder = s.blocks.get(get(leaf, "height"));
        demand(holder, "block_missing");
        demand(holder.index - holder.leaves < index && index < holder.index, "outside_block");
      }
    }
  }

  async function acts(s) {
    const chain = await contentId("chain", s.genesis);
    for (const a of Object.values(s.acts).flat()) {
      demand(a.act.chain === chain, "other_chain");
      demand(exactly(a.result, "ok", "notes") && a.result.ok === true, "act_refused");
      const agreed = AGREED.includes(a.act.kind);
      demand(!agreed || list(get(a.result, "notes")).length === 0, "act_refused");
      const [member, since] = s.members.get(a.act.by) || [null, 0];
      demand(member && since < a.index, "member_unknown");
      const time = s.time(a.height);
      const given = s.keyOf(a.act.by, a.index);
      const standing = list(get(member, "keys")).some((k) => get(k, "key") === a.act.key && inForce(k, time));
      demand(given === undefined ? standing : given === a.act.key, "member_key");
      demand(a.act.until === undefined || a.act.until >= time, "act_late");
      const own = a.act.kind === "change_key" && a.body.member === a.act.by;
      const sends = MAY_SEND[a.act.kind] || [];
      const may = own || (s.certified && agreed);
      demand(may || list(get(member, "roles")).some((role) => sends.includes(role)), "member_role");
      if (a.act.kind === "change_key") await keyChange(s, a, chain);
      const message = joined(bytesOf("miaopei/v1/act\0"), bytesOf(canonical(without(a.act, "sig"))));
      demand(await hexSigned(a.act.key, a.act.sig, message), "act_signature");
    }
  }

  // A member's other key: it is known, the time was not over, the key is new to it, and has itself agreed.
  async function keyChange(s, a, chain) {
    const body = a.body;
    const fits = exactly(body, "member", "key", "until", "proof") && Number.isSafeInteger(body.until);
    demand(fits && s.time(a.height) < body.until, "key_change");
    const [member, since] = s.members.get(body.member) || [null, 0];
    demand(member && since < a.index, "member_unknown");
    const stood = list(get(member, "keys")).map((k) => get(k, "key"));
    const earlier = (other) => other.index < a.index && other.body.member === body.member;
    s.acts.keys.filter(earlier).forEach((other) => stood.push(other.body.key));
    demand(!stood.includes(body.key), "key_change");
    const said = { ...without(body, "proof"), chain };
    const message = joined(bytesOf("miaopei/v1/key\0"), bytesOf(canonical(said)));
    demand(await hexSigned(body.key, body.proof, message), "key_change");
  }

  async function signer(s) {
    const [member] = s.members.get(s.value.signer) || [null];
    demand(member, "signer_unknown");
    const message = joined(bytesOf("miaopei/v1/receipt\0"), bytesOf(canonical(without(s.value, "sig"))));
    let held = false;
    const given = s.keyOf(s.value.signer, s.head.size);
    const keys = list(get(member, "keys")).map((key) => get(key, "key"));
    for (const key of given === undefined ? keys : [given]) {
      held = held || (await hexSigned(key, s.value.sig, message));
    }
    demand(held, "receipt_signature");
  }

  // Checks of the contract ------------------------------------------------------------------------------

  async function product(s) {
    demand((await contentId("product", s.product)) === get(s.one("listing").body, "product"), "product_hash");
    demand(s.one("product").index < s.one("listing").index, "order");
  }

  async function observations(s) {
    for (const act of s.acts.facts) {
      const notes = list(get(act.result, "notes"));
      const refused = new Set(notes.map((note) => get(note, "facts").index));
      if (notes.some((note) => get(note, "code") === "act.and_more")) continue;
      for (const [index, fact] of list(get(act.body, "facts")).entries()) {
        if (!refused.has(index)) await vouched(s, act, fact);
      }
    }
  }

  async function vouched(s, act, fact) {
    const said = get(fact, "attestation");
    const id = await contentId("observation", get(fact, "observation"));
    const source = get(fact, "observation", "source");
    const entries = s.acts.sources.filter((a) => get(a.body, "id") === source && a.index < act.index);
    demand(entries.length && get(said, "source") === source && get(said, "observation") === id, "unknown_source");
    const entry = entries.reduce((last, a) => (a.index > last.index ? a : last)).body;
    const key = list(get(entry, "keys")).find((k) => get(k, "key") === get(said, "key"));
    demand(key && inForce(key, num(get(said, "received_at"))) && inForce(key, s.time(act.height)), "unknown_key");
    const message = joined(bytesOf("miaopei/v1/attestation\0"), bytesOf(canonical(without(said, "sig"))));
    demand(await hexSigned(said.key, get(said, "sig"), message), "forged");
    const original = get(said, "original");
    if (get(original, "bytes_b64") === null) return;
    const data = base64(original.bytes_b64);
    demand(data.length === original.length && hex(await sha256(data)) === original.sha256, "original_mismatch");
  }

  function trigger(s) {
    const made = s.record("trigger");
    const value = made.value;
    const listed = s.one("listing").body;
    const fits = get(value, "product") === get(listed, "product") && get(value, "book") === get(s.listing, "book") &&
      list(get(s.product, "benefits")).includes(get(value, "benefit")) && get(value, "listing") === get(s.listing, "id");
    demand(fits && RULES.includes(get(value, "rules")), "trigger_other");
    const named = [...new Set(Object.values(get(value, "facts")).flatMap((fact) => list(get(fact, "because"))))].sort();
    demand(same(named, made.because), "trigger_other");
  }

  const TEXTS = ["zh", "en", "source", "definition_zh", "definition_en", "governing", "filed_wording_digest"];

  function meaning(value) {
    if (Array.isArray(value)) return value.map(meaning);
    if (!isObject(value)) return value;
    const kept = Object.entries(value).filter(([name]) => !TEXTS.includes(name));
    return Object.fromEntries(kept.map(([name, item]) => [name, name === "params" ? item : meaning(item)]));
  }

  async function version(s) {
    const value = s.record("trigger").value;
    const instant = num(get(value, "instant"));
    const held = list(get(s.product, "versions")).find((v) => {
      const [since, until] = [get(v, "since"), get(v, "until")];
      return since !== null && num(since) <= instant && (until === null || instant < num(until));
    });
    demand(held && get(held, "number") === get(value, "version"), "version");
    const terms = get(held, "terms");
    demand((await contentId("terms.filing", terms)) === get(value, "filing"), "terms_hash");
    demand((await contentId("terms.meaning", meaning(terms))) === get(value, "meaning"), "terms_hash");
  }

  async function inBook(s, opened) {
    const value = s.record("trigger").value;
    const it = opened.row;
    const names = ["v", "book", "policy", "transaction", "number", "since", "until", "year_from", "premium_fen", "salt",
      "subject", "declared"];
    demand(exactly(it, ...names) && it.v === 1 && it.book === get(value, "book"), "row_fields");
    ["number", "since", "until", "year_from", "premium_fen"].forEach((name) => num(it[name]));
    demand(["issue", "endorse", "renew", "cancel", "reinstate"].includes(it.transaction), "row_fields");
    demand(it.until > it.since && it.premium_fen >= 0 && isHex(it.salt, 64) && isHex(it.policy, 32), "row_fields");
    Object.values(obj(it.declared)).forEach(num);
    const good = await idIncluded("row", it, opened.position, get(value, "book_size"), opened.path, get(value, "book_root"));
    demand(good, "row_path");
  }

  const row = (s) => inBook(s, s.value.row);

  async function claim(s) {
    const { claim: value, index, count, path } = s.value.claim;
    const [made, it] = [s.record("trigger"), s.value.row];
    const names = ["v", "trigger", "policy", "position", "gross_fen", "spent_fen", "terms_fen", "owed_fen", "settled_fen",
      "pay_fen", "state", "salt"];
    demand(exactly(value, ...names) && value.v === 1, "claim_fields");
    const own = value.trigger === made.id && value.policy === get(it.row, "policy") && value.position === it.position;
    demand(own, "claim_other");
    const key = await crypto.subtle.importKey("raw", unhex(it.row.salt), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const message = joined(bytesOf("miaopei/v1/claim\0"), unhex(made.id));
    demand(value.salt === hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, message))), "claim_salt");
    const settled = s.record("settlement").value;
    demand(count === get(settled, "totals", "claims"), "claim_count");
    demand(await idIncluded("claim", value, index, count, path, get(settled, "claims_root")), "claim_path");
  }

  // The terms, read again ---------------------------------------------------------------------------------

  const big = (value) => BigInt(num(value));

  class Terms {
    constructor(value) {
      this.parts = {};
      const kinds = { inputs: "input", figures: "figure", clauses: "clause" };
      for (const [table, kind] of Object.entries(kinds)) {
        for (const item of list(get(value, table))) this.parts[`${kind} ${get(item, "name")}`] = item;
      }
      this.left = 200000;
    }

    settle(benefit, observed, declared, spent) {
      this.known = { observed, declared, spent };
      return this.of({ clause: benefit });
    }

    given(facts, name, low, high) {
      demand(has(facts, name) && facts[name] !== null, "missing_input");
      demand(num(low) <= num(facts[name]) && facts[name] <= num(high), "out_of_range");
      return BigInt(facts[name]);
    }

    of(node) {
      demand((this.left -= 1) > 0, "too_large");
      for (const kind of ["input", "figure", "clause"]) {
        if (!has(obj(node), kind)) continue;
        const part = this.parts[`${kind} ${node[kind]}`];
        demand(part, "unknown_name");
        if (kind === "clause") return this.of(get(part, "body"));
        if (kind === "figure") return big(get(part, "value"));
        return this.given(get(this.known, part.word), part.name, get(part, "low"), get(part, "high"));
      }
      const reading = WORDS[get(node, "word")];
      demand(reading && has(WORDS, node.word), "unknown_word");
      return reading(this, node);
    }

    all(items) {
      const found = list(items).map((item) => this.of(item));
      demand(found.length, "bad_value");
      return found;
    }

    until(items, decides) {
      let last = null;
      for (const item of list(items)) {
        last = this.of(item);
        if (last === decides) break;
      }
      demand(last !== null, "bad_value");
      return last;
    }
  }

  const floor = (a, b) => (a % b < 0n ? a / b - 1n : a / b); // b above 0

  const WORDS = {
    fixed: (t, n) => big(get(n, "value")),
    spent: (t, n) => t.given(t.known.spent, get(n, "benefit"), 0, Number(t.of(get(n, "high")))),
    plus: (t, n) => t.all(get(n, "items")).reduce((a, b) => a + b),
    minus: (t, n) => t.of(get(n, "left")) - t.of(get(n, "right")),
    times: (t, n) => t.of(get(n, "count")) * t.of(get(n, "each")),
    least: (t, n) => t.all(get(n, "items")).reduce((a, b) => (b < a ? b : a)),
    most: (t, n) => t.all(get(n, "items")).reduce((a, b) => (b > a ? b : a)),
    either: (t, n) => (t.of(get(n, "test")) ? t.of(get(n, "then")) : t.of(get(n, "otherwise"))),
    at_least: (t, n) => (t.of(get(n, "left")) >= t.of(get(n, "right")) ? 1n : 0n),
    one_of: (t, n) => {
      const of = t.of(get(n, "of"));
      return list(get(n, "codes")).some((code) => big(code) === of) ? 1n : 0n;
    },
    every: (t, n) => t.until(get(n, "items"), 0n),
    any: (t, n) => t.until(get(n, "items"), 1n),
    not: (t, n) => 1n - t.of(get(n, "item")),
    pro_rata: (t, n) => {
      const [amount, part, whole_] = ["amount", "part", "whole"].map((name) => t.of(get(n, name)));
      demand(whole_ > 0n && part >= 0n && part <= whole_, "part_exceeds_whole");
      const unit = big(get(n, "unit_fen"));
      demand(unit > 0n && amount >= 0n, "bad_value");
      const [top, under] = [amount * part, whole_ * unit];
      const up = get(n, "rounding") === "half_up" && 2n * (top % under) >= under;
      return (top / under + (up ? 1n : 0n)) * unit;
    },
    band: (t, n) => {
      const of = t.of(get(n, "of"));
      const met = list(get(n, "rows")).find(
        (r) => big(get(r, "low")) <= of && (get(r, "high") === null || of < big(r.high)));
      demand(met && get(met, "value") !== null, "band_unset");
      return big(met.value);
    },
    tier: (t, n) => {
      const [of, size] = [t.of(get(n, "of")), big(get(n, "size"))];
      demand(size > 0n, "bad_value");
      const units = floor(of, size) + (get(n, "counting") === "started" && of % size ? 1n : 0n);
      const rates = list(get(n, "rates"));
      return rates.reduce((sum, rate, i) => {
        const next = i + 1 < rates.length ? big(get(rates[i + 1], "units")) : units;
        const slice = (next < units ? next : units) - big(get(rate, "units"));
        return slice > 0n ? sum + slice * big(get(rate, "fen")) : sum;
      }, 0n);
    },
    near: (t, n) => {
      const [of, centre] = [t.all(get(n, "of")), t.all(get(n, "centre"))];
      demand(of.length === 3 && centre.length === 3, "bad_value");
      const sum = of.reduce((total, part, i) => total + part * centre[i], 0n);
      return sum >= edge(t.of(get(n, "radius"))) ? 1n : 0n;
    },
  };

  // ceil(2^60 cos(r / 6,371,008.8 m)) by a series in whole numbers.
  function edge(metres) {
    demand(metres >= 1000n && metres <= 20015000n, "bad_radius");
    const ceil = (value, bits) => -(-value >> bits);
    for (let bits = 160n; ; bits *= 2n) {
      const angle = ((metres * 10n) << bits) / 63710088n;
      const square = (angle * angle) >> bits;
      let [cosine, term, n, minus] = [1n << bits, 1n << bits, 0n, true];
      while (term) {
        term = ((term * square) >> bits) / ((n + 1n) * (n + 2n));
        cosine += minus ? -term : term;
        [n, minus] = [n + 2n, !minus];
      }
      const [low, high] = [ceil(cosine - 4096n, bits - 60n), ceil(cosine + 4096n, bits - 60n)];
      if (low === high) return low;
    }
  }

  // The amount: gross, terms and owed; where lists or a release speak of one policy it is not made.
  function amount(s) {
    const value = s.record("trigger").value;
    const stated = s.value.claim.claim;
    const facts = get(value, "facts");
    const benefit = get(value, "benefit");
    if (!amountIsMade(s)) return;
    const terms = new Terms(get(s.version(get(value, "version")), "terms"));
    const observed = Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, get(fact, "value")]));
    const declared = get(s.value.row.row, "declared");
    const gross = terms.settle(benefit, observed, declared, { [benefit]: 0 });
    const net = terms.settle(benefit, observed, declared, { [benefit]: num(get(stated, "spent_fen")) });
    const owed = capped(s, net);
    const settled = big(get(stated, "settled_fen"));
    demand(gross === big(get(stated, "gross_fen")), "gross");
    demand(net === big(get(stated, "terms_fen")) && owed === big(get(stated, "owed_fen")), "terms");
    const held = stated.state === "held";
    const pay = held || owed < settled ? 0n : owed - settled;
    let state = owed < gross ? "cut" : "paid";
    if (gross && !owed) state = "exhausted";
    if (owed < settled) state = get(s.listing, "kept_or_receivable");
    demand(held || state === stated.state, "claim_state");
    demand(pay === big(get(stated, "pay_fen")), "pay");
  }

  const amountIsMade = (s) =>
    !s.value.lines && !(s.leaves.release || []).length &&
    !Object.values(get(s.record("trigger").value, "facts")).some((fact) => (get(fact, "detail").lists || []).length);

  function capped(s, net) {
    const limit = get(s.listing, "occurrence_cap_fen");
    const totals = get(s.record("settlement").value, "totals");
    const line = get(totals, "cap");
    demand((limit === null) === (line === null), "cap");
    if (limit === null) return net;
    const [total, payable] = [big(get(line, "total_fen")), big(get(line, "payable_fen"))];
    demand(payable <= big(limit) && payable <= total && total === big(get(totals, "terms_fen")), "cap");
    if (!total) return 0n;
    const rest = (net * payable) % total;
    const threshold = big(get(line, "threshold"));
    const more = rest > threshold || (rest === threshold && s.value.claim.index <= num(get(line, "last")));
    return (net * payable) / total + (more ? 1n : 0n);
  }

  // Checks of the money --------------------------------------------------------------------------------------

  const roundOf = (value) => (has(value, "round") ? value.round : 1);

  function decisions(s) {
    const [made, opened, listing] = [s.record("settlement"), s.record("trigger"), s.listing];
    const [value, equals, operators] = [made.value, new Set(), new Set()];
    for (const { act, body, index } of s.acts.decisions) {
      demand(list(get(listing, "deciders")).includes(act.by) && !equals.has(act.by), "not_a_decider");
      const alike = get(body, "trigger") === opened.id && get(body, "revision") === get(value, "revision") &&
        get(value, "revision") === get(opened.value, "revision") && get(body, "counter") === get(value, "counter") && roundOf(body) === roundOf(value) &&
        get(body, "book_size") === get(opened.value, "book_size") &&
        get(body, "book_root") === get(opened.value, "book_root") &&
        get(body, "claims", "root") === get(value, "claims_root") &&
        get(body, "claims", "count") === get(value, "totals", "claims") &&
        same(get(body, "totals"), get(value, "totals"));
      demand(alike && opened.index < index && index < made.index, "decision_differs");
      equals.add(act.by);
      operators.add(get((s.members.get(act.by) || [{}])[0], "operator"));
    }
    demand(operators.size >= num(get(listing, "k")), "too_few_deciders");
    demand(same([...equals].sort(), get(value, "deciders")), "deciders_differ");
  }

  function settlement(s) {
    const [made, listing, opened] = [s.record("settlement"), s.listing, s.record("trigger")];
    const value = made.value;
    const fits = get(value, "trigger") === opened.id && get(value, "listing") === get(listing, "id") &&
      ["book", "payer", "k"].every((name) => get(value, name) === get(listing, name));
    demand(fits, "settlement_other");
    const one = get(listing, "solo") || get(opened.value, "rules") === 1;
    const caused = s.acts.decisions.filter((act) => !one || act.id === made.by);
    demand(caused.some((act) => same(made.because, [opened.id, act.id])), "settlement_other");
    s.time(made.height);
  }

  function split(s) {
    const [value, opened] = [s.value.claim.claim, s.record("trigger").value];
    const pay = big(get(value, "pay_fen"));
    const shares = list(get(s.listing, "placement", "shares")).map((share) => [get(share, "carrier"), big(get(share, "ppm"))]);
    demand(pay >= 0n && shares.reduce((sum, [, ppm]) => sum + ppm, 0n) === 1000000n, "split");
    const fen = shares.map(([, ppm]) => (pay * ppm) / 1000000n);
    const rest = (i) => (pay * shares[i][1]) % 1000000n;
    const order = shares.map((_, i) => i).sort((a, b) => (rest(a) === rest(b) ? a - b : rest(a) > rest(b) ? -1 : 1));
    const left = pay - fen.reduce((sum, part) => sum + part, 0n);
    order.slice(0, Number(left)).forEach((i) => (fen[i] += 1n));
    const wanted = new Map(shares.map(([carrier], i) => [carrier, fen[i]]).filter(([, part]) => part));
    const found = new Map();
    for (const { payout, amount_fen: stated } of s.value.payouts) {
      const names = ["v", "occurrence", "policy", "benefit", "carrier", "line", "revision"];
      const fits = exactly(payout, ...names) && payout.v === 1 && payout.line === 0 && payout.policy === value.policy &&
        ["occurrence", "benefit", "revision"].every((name) => payout[name] === get(opened, name));
      demand(fits && !found.has(payout.carrier), "payout_fields");
      found.set(payout.carrier, BigInt(stated));
    }
    demand([...found].every(([carrier, part]) => (wanted.get(carrier) || 0n) === part), "split");
    demand([...wanted.keys()].every((carrier) => found.has(carrier)), "split");
  }

  async function payments(s) {
    const used = new Set();
    const settled = s.record("settlement");
    for (const { payout, amount_fen: stated, paid } of s.value.payouts) {
      if (paid === null) continue;
      const act = s.acts.payments.find((a) => a.id === paid.act);
      demand(act && get(act.body, "debt") === settled.id && act.act.by === get(settled.value, "payer"), "payment_other");
      demand(act.index > settled.index && paid.count === get(act.body, "outcomes", "count"), "payment_other");
      const { outcome, index, count, path } = paid;
      demand(await idIncluded("outcome", outcome, index, count, path, get(act.body, "outcomes", "root")), "outcome_path");
      used.add(act.id);
      const own = get(outcome, "payout") === (await contentId("payout", payout)) && get(outcome, "amount_fen") === stated &&
        get(outcome, "payer") === get(payout, "carrier");
      demand(own, "outcome_other");
      const final = ["executed", "refused"].includes(get(outcome, "state"));
      demand(final && num(get(outcome, "number")) >= 1, "outcome_state");
    }
    demand(s.acts.payments.every((act) => used.has(act.id)), "payment_unused");
  }

  function caseStands(s) {
    const made = s.record("case");
    const value = made.value;
    demand(get(value, "listing") === get(s.listing, "id"), "case_other");
    demand(list(get(s.product, "benefits")).includes(get(value, "benefit")), "case_other");
    if (s.made.trigger) {
      const opened = s.record("trigger");
      const names = ["listing", "occurrence", "benefit", "revision"];
      demand(names.every((name) => get(value, name) === get(opened.value, name)), "case_other");
      demand(get(value, "trigger") === opened.id && made.index > opened.index, "case_other");
    }
    if (s.made.settlement) {
      demand(get(value, "settlement") === s.record("settlement").id && get(value, "state") === "settled", "case_other");
    } else {
      const open = ["settled", "ready", "deciding"].includes(get(value, "state"));
      demand(get(value, "settlement") === null && !open, "case_other");
    }
    s.time(made.height);
  }

  // The verdict -------------------------------------------------------------------------------------------------

  function checksOf(s) {
    const first = s.certified ? { genesis_file: genesisFile, certificate } : { log_key: logKey };
    const found = { ...first, checkpoint, inclusion, genesis, blocks, acts, signer, product, observations };
    if (s.leaves.trigger.length) Object.assign(found, { trigger, version, row });
    if (s.value.claim !== null && s.leaves.settlement.length) {
      if (amountCanBe(s)) Object.assign(found, { amount });
      Object.assign(found, { claim });
    }
    if (s.leaves.settlement.length) Object.assign(found, { decisions, settlement });
    if (s.value.receipt === "payout") Object.assign(found, { split, payments });
    return { ...found, case: caseStands };
  }

  function amountCanBe(s) {
    try {
      return amountIsMade(s);
    } catch (error) {
      return true; // made, and it will say what is wrong
    }
  }

  const LEFT_OUT_OF = {
    payout: LEFT_OUT.slice(0, -1),
    refusal: LEFT_OUT,
  };

  // Whether a file holds: {holds, lacks, kind, checks: [{name, ok, why}], left_out, about}.
  // `vkey` and `genesis` (bytes) were got elsewhere, one of them; `lacks` names the one that was not
  // given, where nothing else has failed: nothing is wrong then, but nothing is proven either.
  async function verify(data, vkey, genesisBytes) {
    const checks = [];
    let [value, seen] = [null, null];
    const run = async (name, check) => {
      try {
        await check();
        checks.push({ name, ok: true, why: null });
        return true;
      } catch (error) {
        if (error.name === "NotSupportedError") throw error;
        checks.push({ name, ok: false, why: error instanceof No ? error.message : `unreadable: ${error.message}` });
        return false;
      }
    };
    const finish = () => ({
      holds: checks.every((check) => check.ok),
      lacks: lacking(checks),
      kind: seen && seen.value.receipt,
      checks,
      left_out: leftOut(seen),
      about: seen ? about(seen) : null,
    });
    const read = await run("bytes", () => {
      demand(data.length <= LARGEST_FILE, "too_long");
      value = readCanonical(data);
    });
    const other = read ? otherSuite(value) : null;
    if (other) {
      await run("suite", () => demand(false, `suite ${other} is not known to this program`));
      return finish();
    }
    if (!read || !(await run("shape", () => shape(value)))) return finish();
    const gathered = await run("entries", async () => {
      seen = new Seen(value, vkey || "", founding(genesisBytes));
      await seen.gather();
    });
    if (!gathered) {
      seen = null;
      return finish();
    }
    checks.pop(); // what was gathered is looked at by every check below
    for (const [name, check] of Object.entries(checksOf(seen))) await run(name, () => check(seen));
    return finish();
  }

  function lacking(checks) {
    const found = new Set(checks.filter((check) => !check.ok).map((check) => LACKS[check.why]));
    return (found.size === 1 && [...found][0]) || null;
  }

  // Whether bytes are a file with which a record of several members begins.
  function isGenesis(data) {
    return Array.isArray(founding(data).seats);
  }

  // The suite of a receipt whose log key is of one that this page does not make: it knows `intl`.
  function otherSuite(value) {
    try {
      const raw = base64(value.vkey.split("+").slice(2).join("+"));
      const name = /^\xffmiaopei\/([a-z]+)\/1\0/.exec(String.fromCharCode(...raw));
      return name && name[1];
    } catch (error) {
      return null;
    }
  }

  function founding(data) {
    if (!data) return null;
    try {
      let end = data.length;
      while (end && data[end - 1] === 10) end -= 1;
      return obj(readCanonical(data.slice(0, end)));
    } catch (error) {
      return {};
    }
  }

  function leftOut(seen) {
    if (!seen) return LEFT_OUT;
    const found = [...LEFT_OUT_OF[seen.value.receipt]];
    if (seen.value.claim !== null && !amountCanBe(seen)) found.push("amount");
    return found;
  }

  // What the receipt says of itself, for people.
  function about(s) {
    try {
      const subject = (s.made.trigger || s.made.case).value;
      return {
        record: s.genesis.name, replay: s.genesis.clock === "replay", size: s.head.size,
        product: s.product.name, benefit: subject.benefit, instant: subject.instant,
        policy: s.value.row && s.value.row.row.policy, pay_fen: s.value.claim && s.value.claim.claim.pay_fen,
        state: s.made.case.value.state, reason: s.made.case.value.reason,
        sandbox: s.value.payouts.some((part) => part.paid && part.paid.outcome.sandbox !== false),
      };
    } catch (error) {
      return null;
    }
  }

  return { verify, isGenesis, LACKS, LEFT_OUT };
})();

if (typeof module !== "undefined") module.exports = Receipt;
