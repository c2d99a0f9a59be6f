/* The review pages work without this file; with it they have keys, and faces are picked by drawing over them. */
"use strict";

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (element) => element.matches?.("input[type=text], input[type=number], textarea, select") ?? false;
  let sent = false; // an answer is under way: a second key would answer a question that nobody saw

  /* Faces that can be picked */

  const grid = $("[data-picks]");
  const boxes = grid ? $$("input[type=checkbox]", grid) : [];

  const count = () => {
    const picked = boxes.filter((box) => box.checked).length;
    for (const place of $$("[data-picked]")) place.textContent = `${picked} of ${boxes.length} picked`;
    // What a button does to picked faces, it can't do to none.
    for (const button of $$(".picker .actions button[name=say]")) button.disabled = !picked;
  };
  const pick = (box, state) => {
    box.checked = state;
  };
  const all = () => {
    const state = boxes.some((box) => !box.checked);
    boxes.forEach((box) => pick(box, state));
    count();
  };
  const here = () => {
    const index = boxes.indexOf(document.activeElement);
    return index < 0 ? null : index;
  };
  const across = () => {
    const top = boxes[0].closest("li").offsetTop;
    const second = boxes.findIndex((box) => box.closest("li").offsetTop !== top);
    return second < 0 ? boxes.length : second;
  };
  const walk = (key) => {
    const now = here();
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across(), ArrowDown: across() }[key];
    const next = now === null ? 0 : now + step;
    if (next < 0 || next >= boxes.length) return;
    boxes[next].focus();
    boxes[next].closest("li").scrollIntoView({ block: "nearest" });
  };

  if (grid) {
    let last = null; // the face that was clicked last: Shift goes from there
    let drag = null;
    let drawn = null;

    const ended = () => {
      drawn?.remove();
      drag = drawn = null;
      grid.classList.remove("drawing");
    };
    const draw = (event) => {
      const [left, right] = [drag.x, event.pageX].sort((a, b) => a - b);
      const [top, bottom] = [drag.y, event.pageY].sort((a, b) => a - b);
      Object.assign(drawn.style, {
        left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px`,
      });
      boxes.forEach((box, index) => {
        const face = box.closest("label").getBoundingClientRect();
        const [x, y] = [face.left + scrollX, face.top + scrollY];
        const inside = x < right && x + face.width > left && y < bottom && y + face.height > top;
        pick(box, inside ? drag.state : drag.before[index]);
      });
      count();
    };

    document.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch" || event.target.closest("a, button, input[type=text]")) return;
      const on = event.target.closest("[data-picks] label");
      if (!on && !event.target.closest("main")) return;
      const first = on && $("input", on);
      drag = {
        x: event.pageX, y: event.pageY, before: boxes.map((box) => box.checked),
        // From a face on: what a click would make of it. From beside them: the other way round from what they all are.
        state: first ? !first.checked : boxes.some((box) => !box.checked),
      };
    });
    document.addEventListener("pointermove", (event) => {
      if (!drag) return;
      if (!drawn && Math.hypot(event.pageX - drag.x, event.pageY - drag.y) < 8) return;
      if (!drawn) {
        drawn = document.createElement("div");
        drawn.className = "lasso";
        document.body.append(drawn);
        grid.classList.add("drawing");
        getSelection()?.removeAllRanges();
      }
      event.preventDefault();
      draw(event);
    });
    document.addEventListener("pointerup", () => {
      if (drawn) {
        // The click that ends it would turn one face round again.
        const swallow = (event) => {
          event.preventDefault();
          event.stopPropagation();
        };
        document.addEventListener("click", swallow, { capture: true, once: true });
        setTimeout(() => document.removeEventListener("click", swallow, { capture: true }), 0);
      }
      ended();
    });
    document.addEventListener("pointercancel", ended);
    grid.addEventListener("dragstart", (event) => event.preventDefault());
    grid.addEventListener("click", (event) => {
      const box = event.target;
      if (!box.matches("input[type=checkbox]")) return;
      const index = boxes.indexOf(box);
      if (event.shiftKey && last !== null) {
        for (let at = Math.min(index, last); at <= Math.max(index, last); at++) pick(boxes[at], box.checked);
      }
      last = index;
      box.focus();
      count();
    });
    // Shift and a click would mark text.
    grid.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
    for (const button of $$("[data-all]")) {
      button.hidden = false;
      button.addEventListener("click", all);
    }
    count();
  }

  /* Keys */

  const press = (key) => {
    const target = $$("[data-key]").find((element) => element.dataset.key === key && !element.disabled);
    if (!target) return false;
    if (typing(target)) {
      target.focus();
      target.select();
    } else {
      target.click();
    }
    return true;
  };
  const open = () => {
    const index = here();
    const links = $$(".look");
    const link = index === null ? links.find((one) => one === document.activeElement) ?? links[0] : $(".look", boxes[index].closest("li"));
    link?.click();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (sent) {
      if (!typing(event.target)) event.preventDefault();
      return;
    }
    const { key, target } = event;
    if (typing(target)) {
      if (key === "Escape") target.blur();
      return;
    }
    if (key === "Enter" && target.matches("input[type=checkbox]")) event.preventDefault(); // would press a first button
    if (event.repeat && !key.startsWith("Arrow")) return;
    let done = true;
    if (key === "Enter" && !target.matches("a, button, summary")) done = Boolean($("[data-enter]")?.focus() ?? $("[data-enter]"));
    else if (key.startsWith("Arrow") && boxes.length) walk(key);
    else if (key === "Escape" && grid && $(".picker")) {
      boxes.forEach((box) => pick(box, false));
      count();
    } else if (key === "o") open();
    else done = key.length === 1 && press(key.toLowerCase());
    if (done) event.preventDefault();
  });

  document.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    else if (event.target.method === "post") sent = true;
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) sent = false;
  });

  /* A photo: a click on a face leads to its name */

  for (const mark of $$(".mark[data-face]")) {
    mark.addEventListener("click", (event) => {
      event.preventDefault();
      const meant = $(`[data-place] button[name=is][value="${mark.dataset.face}"]`);
      if (meant) {
        meant.click();
        return;
      }
      const row = document.getElementById(`face-${mark.dataset.face}`);
      $$(".named .focus, .mark.focus").forEach((one) => one.classList.remove("focus"));
      row.classList.add("focus");
      mark.classList.add("focus");
      row.scrollIntoView({ block: "nearest" });
      $("input[type=text]", row).focus();
    });
  }
  $("[data-photo]")?.addEventListener("error", () => {
    $("[data-lost]").hidden = false;
  });

  /* A box is drawn over a photo: its form gets it in pixels of the full-size photo */

  const stage = $(".stage");
  const sides = (form) => ["x", "y", "w", "h"].map((name) => form.elements[name]);

  const boxing = (form) => {
    const picture = $("img", stage);
    const [width, height] = ["width", "height"].map((side) => Number(picture.getAttribute(side)));
    const toggle = $("[data-draw]", form);
    let frame = null;
    let start = null;

    const place = (x, y, w, h) => {
      if (!frame) {
        frame = document.createElement("div");
        frame.className = "frame";
        stage.append(frame);
      }
      const share = (part, whole) => `${(100 * part) / whole}%`;
      Object.assign(frame.style, { left: share(x, width), top: share(y, height), width: share(w, width), height: share(h, height) });
    };
    const complete = () => {
      $("[data-boxed]", form).disabled = !sides(form).every((field) => field.value !== "");
    };
    const draw = (on) => {
      toggle.setAttribute("aria-pressed", on);
      stage.classList.toggle("boxing", on);
      if (on) stage.scrollIntoView({ block: "nearest" });
    };
    const drawing = () => toggle.getAttribute("aria-pressed") === "true";
    const at = (event) => {
      const shown = picture.getBoundingClientRect();
      const inside = (value, most) => Math.round(Math.min(Math.max(value, 0), 1) * most);
      return [
        inside((event.clientX - shown.left) / shown.width, width), inside((event.clientY - shown.top) / shown.height, height),
      ];
    };
    const end = (event) => {
      if (!start) return;
      const [x, y] = at(event);
      const box = [Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(x - start[0]), Math.abs(y - start[1])];
      start = null;
      if (event.type === "pointercancel" || Math.min(box[2], box[3]) < 1) return;
      place(...box);
      sides(form).forEach((field, index) => (field.value = box[index]));
      complete();
      draw(false);
      ($("input[type=text]", form) ?? $("[data-boxed]", form)).focus({ preventScroll: true });
    };

    toggle.hidden = false;
    toggle.addEventListener("click", () => draw(!drawing()));
    stage.addEventListener("pointerdown", (event) => {
      if (!drawing() || event.button) return;
      event.preventDefault();
      stage.setPointerCapture(event.pointerId);
      start = at(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (!start) return;
      const [x, y] = at(event);
      place(Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(x - start[0]), Math.abs(y - start[1]));
    });
    stage.addEventListener("pointerup", end);
    stage.addEventListener("pointercancel", end);
    stage.addEventListener("dragstart", (event) => event.preventDefault());
    document.addEventListener("keydown", (event) => event.key === "Escape" && draw(false));
    for (const field of sides(form)) {
      field.addEventListener("input", () => {
        complete();
        if (sides(form).every((one) => one.value !== "")) place(...sides(form).map((one) => Number(one.value)));
      });
    }
    complete();
  };
  if (stage) $$("form[data-box]").forEach(boxing);

  /* New names are tried meanwhile */

  const busy = $("[data-busy]");
  const ask = async () => {
    try {
      const answer = await fetch("/progress", { cache: "no-store" });
      const told = await answer.json();
      const progress = $("[data-progress]");
      if (progress) progress.textContent = told.progress;
      if (!told.busy) {
        busy.textContent = "New names were tried on all faces.";
        busy.classList.replace("working", "done");
        return;
      }
    } catch {
      return; // the server was stopped
    }
    setTimeout(ask, 1000);
  };
  if (busy) setTimeout(ask, 400);
})();
