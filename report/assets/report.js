"use strict";
(function () {
  var root = document.documentElement;
  root.classList.remove("nojs");
  function id(name) { return document.getElementById(name); }

  // Light and dark: the system's choice until the reader makes one.
  id("theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // Copy buttons take the text of what stands beside them.
  document.addEventListener("click", function (event) {
    var button = event.target.closest("button.take");
    if (!button) return;
    var source = button.parentElement.querySelector("pre");
    function done(ok) {
      button.textContent = ok ? "Copied" : "Selected: press Ctrl+C";
      id("said").textContent = button.textContent;
      setTimeout(function () { button.textContent = "Copy"; }, 2000);
    }
    function select() {
      var range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      var ok = false;
      try { ok = document.execCommand("copy"); } catch (e) { ok = false; }
      done(ok);
    }
    if (navigator.clipboard && isSecureContext) navigator.clipboard.writeText(source.textContent).then(function () { done(true); }, select);
    else select();
  });

  // A link to a connection opens its details.
  function unfold() {
    var target = location.hash.length > 1 && id(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  }
  addEventListener("hashchange", unfold);
  unfold();
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) unfold();
  });
  addEventListener("beforeprint", function () {
    var first = document.querySelectorAll("details.conn[data-first]");
    for (var i = 0; i < first.length; i++) first[i].open = true;
  });

  // The table: all rows are data; a page of them is in the document.
  var data = id("rows");
  if (!data) return;
  var rows = JSON.parse(data.textContent), body = id("table").tBodies[0], page = 200, limit = page, shown = rows;
  var heads = id("table").tHead.rows[0].cells, sortBy = -1, down = false;
  var labels = Array.prototype.map.call(heads, function (h) { return h.textContent.trim(); });
  // A row: id, time, client, where, outcome, cause, who has to act, lasted, class, anchor, started, milliseconds, title, what became of it.
  var ID = 0, CLASS = 8, ANCHOR = 9, STARTED = 10, MS = 11, TITLE = 12, KIND = 13, columns = 8;
  var haystack = rows.map(function (r) { return r.slice(0, columns).concat(r[TITLE]).join("\n").toLowerCase(); });
  rows.forEach(function (r, i) { r.place = i; });

  function draw() {
    var fragment = document.createDocumentFragment(), n = Math.min(limit, shown.length);
    for (var i = 0; i < n; i++) {
      var r = shown[i], tr = document.createElement("tr");
      for (var k = 0; k < columns; k++) {
        var td = document.createElement("td"), inner = td;
        td.dataset.l = labels[k];
        if (k === ID && r[ANCHOR]) { inner = document.createElement("a"); inner.href = "#" + r[ANCHOR]; td.appendChild(inner); }
        if (k === 4) { inner = document.createElement("span"); inner.className = "pill " + r[CLASS]; td.appendChild(inner); }
        if (k === ID || k === 2) td.className = "i";
        if (k === 3) td.className = "w";
        if (k === 1) td.className = "t";
        if (k === 7) td.className = "n";
        if (k === 5 && r[TITLE]) td.title = r[TITLE];
        inner.textContent = r[k];
        tr.appendChild(td);
      }
      fragment.appendChild(tr);
    }
    body.replaceChildren(fragment);
    var noun = rows.length === 1 ? " connection" : " connections";
    id("shown").textContent = shown.length === rows.length ? rows.length + noun : shown.length + " of " + rows.length + noun;
    id("more").hidden = n >= shown.length;
    id("more").textContent = "Show more (" + (shown.length - n) + " left)";
  }
  function value(r, k) { return k === 1 ? r[STARTED] : k === 7 ? r[MS] : r[k]; }
  function compare(a, b) {
    var x = value(a, sortBy), y = value(b, sortBy);
    if (sortBy === ID || typeof x !== "number") { x = String(x); y = String(y); return x.localeCompare(y, "en", { numeric: true }); }
    return x - y;
  }
  function apply() {
    var words = id("search").value.toLowerCase().split(/\s+/).filter(Boolean), kind = id("kind").value, why = id("why").value;
    shown = rows.filter(function (r) {
      if (kind && r[KIND] !== kind) return false;
      if (why && r[5] !== why) return false;
      return words.every(function (w) { return haystack[r.place].includes(w); });
    });
    if (sortBy >= 0) shown.sort(function (a, b) { return (down ? -1 : 1) * compare(a, b) || a.place - b.place; });
    limit = page;
    draw();
  }
  ["search", "kind", "why"].forEach(function (name) { id(name).addEventListener("input", apply); });
  id("more").addEventListener("click", function () { limit += page; draw(); });
  Array.prototype.forEach.call(heads, function (head, k) {
    head.querySelector("button").addEventListener("click", function () {
      down = sortBy === k && !down;
      sortBy = k;
      for (var i = 0; i < heads.length; i++) heads[i].removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      apply();
    });
  });
  // What the browser kept in the fields from the last visit counts.
  if (id("search").value || id("kind").value || id("why").value) apply();
})();
