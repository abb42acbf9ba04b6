// The page around check.js: files chosen or dropped, and the verdict in words. Nothing is sent.

"use strict";

(() => {
  const asked = new URLSearchParams(location.search).get("lang");
  const chinese = asked ? asked !== "en" : navigator.language.toLowerCase().startsWith("zh");
  const place = chinese ? 0 : 1;
  const at = (id) => document.getElementById(id);
  const SEALS = { holds: "✓", ok: "✓", unchecked: "?", "holds-not": "✗", bad: "✗" };
  let dropped = null;

  function say(name, facts = {}, table = TEXTS) {
    return table[name][place].replace(/\{(\w+)\}/g, (_, fact) => String(facts[fact]));
  }

  // An element with text in it; what a file says is only ever text, never markup.
  function made(tag, text, className) {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (className) element.className = className;
    return element;
  }

  function yuan(fen) {
    const text = String(fen).padStart(3, "0");
    return `${text.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",")}.${text.slice(-2)}`;
  }

  function beijing(instant) {
    if (!Number.isSafeInteger(instant)) return "—";
    const moment = new Date((instant + 8 * 3600) * 1000);
    if (Number.isNaN(moment.getTime())) return String(instant); // a forged receipt may say any
    return moment.toISOString().slice(0, 19).replace("T", " ");
  }

  function dress() {
    document.documentElement.lang = chinese ? "zh-CN" : "en";
    document.title = `${say("title")} · ${say("name")}`;
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = say(element.dataset.text);
    }
    at("switch").href = chinese ? "?lang=en" : "?lang=zh";
    listLeft(Receipt.LEFT_OUT);
  }

  function listLeft(names) {
    at("left-out").replaceChildren(...names.map((name) => {
      const item = made("li");
      item.append(made("code", name), ` ${say(name, {}, CHECKS)}`);
      return item;
    }));
  }

  function subject(verdict) {
    const about = verdict.about;
    const section = made("section");
    section.append(made("h2", say("subject")));
    if (!verdict.holds) section.append(made("p", say("subject_only"), "note"));
    for (const label of ["replay", "sandbox"]) if (about[label]) section.append(made("p", say(label)));
    const named = { product: chinese ? about.product.zh : about.product.en, benefit: about.benefit };
    const pays = verdict.kind === "payout";
    const facts = pays ? { ...named, yuan: yuan(about.pay_fen) } : { ...named, reason: about.reason };
    section.append(made("p", say(pays ? "payout" : "refusal", facts)));
    section.append(made("p", say("event", { instant: beijing(about.instant), record: about.record, size: about.size })));
    return section;
  }

  // One check; one that lacks what must come from outside was not made, whatever the others say.
  function lineOf(check) {
    const [state, told] = check.ok ? ["ok", "check_ok"] : check.why in Receipt.LACKS ? ["unchecked", "check_not"] : ["bad", "check_bad"];
    const line = made("li", "", state);
    const mark = made("span", SEALS[state], "seal");
    mark.setAttribute("aria-label", say(told));
    const text = say(check.name, {}, CHECKS);
    const why = check.ok ? "" : check.why.slice(0, 120);
    const what = { ok: text, unchecked: say("not_checked", { what: text }), bad: say("does_not", { what: text, why }) }[state];
    line.append(mark, " ", made("code", check.name), " ", made("span", what, "what"));
    return line;
  }

  function show(verdict) {
    const failed = verdict.checks.filter((check) => !check.ok);
    const state = verdict.holds ? "holds" : verdict.lacks ? "unchecked" : "holds-not";
    const box = made("section", "", `verdict ${state}`);
    const heading = made("h2");
    const seal = made("span", SEALS[state], "seal");
    seal.setAttribute("aria-hidden", "true");
    const told = { holds: "holds", unchecked: `unchecked_${verdict.lacks}`, "holds-not": "holds_not" }[state];
    heading.append(seal, ` ${say(told)}`);
    const counts = { count: verdict.checks.length, failed: failed.length, left: verdict.left_out.length };
    box.append(heading, made("p", say(`${told}_about`, counts)));
    const section = made("section");
    const lines = made("ol", "", "checks");
    verdict.checks.forEach((check) => lines.append(lineOf(check)));
    section.append(made("h2", say("checks")), lines);
    at("answer").replaceChildren(box, ...(verdict.about ? [subject(verdict)] : []), section);
    at("answer").dataset.verdict = state;
    at("answer").dataset.failed = failed.map((check) => check.name).join(" ");
    listLeft(verdict.left_out);
  }

  function complain(name, facts) {
    at("answer").replaceChildren(made("p", say(name, facts), "wrong"));
    at("answer").dataset.verdict = name;
  }

  async function check() {
    delete at("answer").dataset.verdict;
    delete at("answer").dataset.failed;
    const file = dropped || at("file").files[0];
    if (!file) return complain("no_file");
    if (file.size > 16000000) return complain("too_large", { length: file.size });
    if (!globalThis.crypto || !crypto.subtle) return complain("no_crypto");
    const founding = at("genesis").files[0];
    if (founding && founding.size > 100000) return complain("genesis_too_large", { length: founding.size });
    const data = new Uint8Array(await file.arrayBuffer());
    const genesis = founding ? new Uint8Array(await founding.arrayBuffer()) : null;
    if (genesis && !Receipt.isGenesis(genesis)) return complain("not_a_genesis", { name: founding.name });
    try {
      show(await Receipt.verify(data, at("vkey").value.trim(), genesis));
    } catch (error) {
      complain("no_crypto");
    }
  }

  function take(event) {
    event.preventDefault();
    if (event.type !== "drop" || !event.dataTransfer.files.length) return;
    dropped = event.dataTransfer.files[0];
    at("drop").textContent = say("chosen", { name: dropped.name });
    check();
  }

  at("form").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  at("file").addEventListener("change", () => {
    dropped = null;
    at("drop").textContent = say("drop");
  });
  document.addEventListener("dragover", take);
  document.addEventListener("drop", take);
  dress();
})();
