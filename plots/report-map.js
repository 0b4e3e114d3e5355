/* SPDX-License-Identifier: MIT */
/* The heap maps of a report, which zoom and play. Their data is described in
   tools/rmtool/report/dossier_map.c. */
(function () {
  'use strict';

  /* ----------------------------------------------------------------- texts */

  function bytes(n) {
    var units = ['B', 'KiB', 'MiB', 'GiB'], i = 0;
    while (n >= 1024 && i < 3) { n /= 1024; i++; }
    return (n >= 100 || i === 0 ? n.toFixed(0) : n.toPrecision(3)) + '\u00a0' + units[i];
  }

  function count(n) { return Math.round(n).toLocaleString('en'); }

  function short(n) {
    if (n >= 1e6) return +(n / 1e6).toPrecision(3) + ' M';
    return n >= 1e4 ? +(n / 1e3).toPrecision(3) + ' k' : String(+n.toPrecision(4));
  }

  /* Round numbers that cut a range into some four. */
  function ticks(from, to, base) {
    var step = Math.pow(base, Math.floor(Math.log((to - from) / 4) / Math.log(base))), list = [];
    if (!(step > 0)) return list;
    while ((to - from) / step > 5) step *= 2;
    for (var at = Math.ceil(from / step) * step; at <= to; at += step) list.push(at);
    return list;
  }

  function element(parent, name, className, text) {
    var made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    parent.appendChild(made);
    return made;
  }

  /* The last place in an ascending list whose value is at most x. */
  function before(list, x) {
    var low = 0, high = list.length - 1;
    while (low < high) {
      var middle = (low + high + 1) >> 1;
      if (list[middle] <= x) low = middle; else high = middle - 1;
    }
    return low;
  }

  /* ---------------------------------------------------------------- colours */

  var OUTSIDE = 0, FREE = 1, LOCKED = 10, TABLE = 13;

  function colours() {
    var style = getComputedStyle(document.documentElement), probe = document
      .createElement('canvas').getContext('2d');
    function rgb(name) {
      probe.fillStyle = style.getPropertyValue(name).trim();
      var n = parseInt(probe.fillStyle.slice(1), 16);
      return [n >> 16, n >> 8 & 255, n & 255];
    }
    function mix(a, b, share) {
      return a.map(function (x, i) { return x + (b[i] - x) * share; });
    }
    var free = rgb('--map-free'), used = rgb('--map-used'), list = [rgb('--map-outside'), free];
    for (var i = 1; i <= 8; i++) list.push(mix(free, used, 0.12 + 0.88 * i / 8));
    for (i = 0; i < 3; i++) list.push(rgb('--map-locked'));
    list.push(rgb('--map-table'));
    return { kinds: list, get: function (name) { return style.getPropertyValue(name).trim(); } };
  }

  /* --------------------------------------------------------------- decoding */

  function decode(run) {
    var text = atob(run.kinds), cells = run.cells;
    var kinds = new Uint8Array(cells * run.at.length), at = 0;
    for (var i = 0; i < text.length; i++) {
      var byte = text.charCodeAt(i), n = byte < 128 ? byte + 1 : (byte >> 4 & 7) + 1;
      while (n-- > 0) {
        kinds[at] = byte >= 128 ? byte & 15 : at < cells ? OUTSIDE : kinds[at - cells];
        at++;
      }
    }
    run.kinds = kinds;
    run.used = 0; // cells that ever hold something
    for (i = 0; i < kinds.length; i++)
      if (kinds[i] !== OUTSIDE && i % cells >= run.used) run.used = i % cells + 1;
    return run;
  }

  /* ------------------------------------------------------------------ a map */

  var LEFT = 62, BOTTOM = 20, TOP = 4, RIGHT = 6;

  function Map(place) {
    var self = this;
    this.place = place;
    this.data = JSON.parse(document.getElementById(place.dataset.map).textContent);
    this.runs = this.data.runs.map(decode);
    this.times = this.runs[0].at;
    this.last = this.times[this.times.length - 1];
    this.top = Math.max.apply(null, this.runs.map(function (r) { return r.used * r.cell; }));
    this.at = before(this.times, this.last * 0.5);
    this.all();
    this.build();
    place.classList.add('ready');
    this.draw();
    new ResizeObserver(function () { self.draw(); }).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', function () {
      self.draw();
    });
  }

  Map.prototype.all = function () {
    this.view = { x0: 0, x1: this.last, y0: 0, y1: this.top };
  };

  Map.prototype.build = function () {
    var self = this, place = this.place;
    element(place, 'h4', '', 'The heap over time');
    var key = element(place, 'p', 'key');
    [['used', '--map-used'], ['a locked block', '--map-locked'], ['free', '--map-free'],
      ['handle table', '--map-table'], ['outside the heap', '--map-outside']
    ].forEach(function (entry) {
      var item = element(key, 'span');
      element(item, 'i').style.background = 'var(' + entry[1] + ')';
      item.appendChild(document.createTextNode(entry[0]));
    });
    var runs = element(place, 'div', 'runs');
    this.runs.forEach(function (run, i) {
      var box = element(runs, 'div', 'run');
      run.text = element(box, 'p');
      run.over = element(box, 'canvas', 'over');
      run.over.tabIndex = 0;
      run.over.setAttribute('role', 'img');
      run.over.setAttribute('aria-label', 'Heap map ' + run.name + ': address by time');
      run.now = element(box, 'canvas', 'now');
      run.now.setAttribute('aria-hidden', 'true');
      run.colour = i === 0 ? '--plain' : '--compacted';
      self.listen(run.over, true);
    });
    this.curve = element(place, 'canvas', 'curve');
    this.curve.setAttribute('role', 'img');
    this.curve.setAttribute('aria-label', 'External fragmentation by time, both runs');
    this.listen(this.curve, false);
    var bar = element(place, 'div', 'controls');
    function button(text, label, act) {
      var made = element(bar, 'button', '', text);
      made.type = 'button';
      made.title = label;
      made.setAttribute('aria-label', label);
      made.addEventListener('click', act);
      return made;
    }
    this.playing = 0;
    this.playButton = button('▶ Play', 'Play', function () { self.play(); });
    this.slider = element(bar, 'input');
    this.slider.type = 'range';
    this.slider.max = this.times.length - 1;
    this.slider.value = this.at;
    this.slider.setAttribute('aria-label', 'Moment of the trace');
    this.slider.addEventListener('input', function () { self.go(Number(self.slider.value)); });
    button('−', 'Zoom out', function () { self.zoom(1.6); });
    button('+', 'Zoom in', function () { self.zoom(1 / 1.6); });
    button('All', 'Show all of it', function () { self.all(); self.draw(); });
    this.output = element(bar, 'output');
    element(place, 'p', 'hint', 'Click or drag the slider to move in time. Wheel or two fingers ' +
      'zoom into a map that has been clicked, dragging moves it; keys: ← → Home End, + − 0, ' +
      'space to play. The strip below each map is the heap at that moment, low addresses first.');
    place.addEventListener('keydown', function (event) { self.key(event); });
  };

  Map.prototype.key = function (event) {
    var wide = event.shiftKey ? 10 : 1, end = this.times.length - 1;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === this.slider && /^(Arrow|Home|End|Page)/.test(event.key)) return;
    switch (event.key) {
    case 'ArrowLeft': this.go(this.at - wide); break;
    case 'ArrowRight': this.go(this.at + wide); break;
    case 'Home': this.go(0); break;
    case 'End': this.go(end); break;
    case '+': case '=': this.zoom(1 / 1.6); break;
    case '-': this.zoom(1.6); break;
    case '0': this.all(); this.draw(); break;
    case ' ': if (event.target.tagName === 'BUTTON') return; this.play(); break;
    default: return;
    }
    event.preventDefault();
  };

  Map.prototype.go = function (at) {
    this.at = Math.max(0, Math.min(this.times.length - 1, at));
    this.slider.value = this.at;
    this.paint();
  };

  Map.prototype.play = function () {
    var self = this;
    if (this.playing) {
      clearInterval(this.playing);
      this.playing = 0;
    } else {
      if (this.at === this.times.length - 1) this.at = 0;
      this.playing = setInterval(function () {
        self.go(self.at + 1);
        if (self.at === self.times.length - 1) self.play();
      }, 50);
    }
    this.playButton.textContent = this.playing ? '❚❚ Pause' : '▶ Play';
    this.playButton.setAttribute('aria-label', this.playing ? 'Pause' : 'Play');
  };

  /* ------------------------------------------------------------ zoom and drag */

  function clamp(from, to, most) {
    var size = Math.min(to - from, most);
    from = Math.max(0, Math.min(from, most - size));
    return [from, from + size];
  }

  /* By a factor about a point of the view, given as shares of its width and height. */
  Map.prototype.zoom = function (factor, px, py) {
    var view = this.view, now = this.times[this.at];
    if (px === undefined) {
      px = (now - view.x0) / (view.x1 - view.x0);
      if (!(px >= 0 && px <= 1)) px = 0.5;
      py = 0;
    }
    var cell = this.runs[0].cell, width = (view.x1 - view.x0) * factor;
    var height = (view.y1 - view.y0) * factor;
    width = Math.max(width, this.last / this.times.length * 4);
    height = Math.max(height, cell * 8);
    var x = view.x0 + (view.x1 - view.x0) * px, y = view.y0 + (view.y1 - view.y0) * py;
    var xs = clamp(x - width * px, x + width * (1 - px), this.last);
    var ys = clamp(y - height * py, y + height * (1 - py), this.top);
    this.view = { x0: xs[0], x1: xs[1], y0: ys[0], y1: ys[1] };
    this.draw();
  };

  Map.prototype.pan = function (dx, dy) {
    var view = this.view, w = view.x1 - view.x0, h = view.y1 - view.y0;
    var xs = clamp(view.x0 - dx * w, view.x1 - dx * w, this.last);
    var ys = clamp(view.y0 - dy * h, view.y1 - dy * h, this.top);
    this.view = { x0: xs[0], x1: xs[1], y0: ys[0], y1: ys[1] };
    this.draw();
  };

  /* Pointers of one canvas: one sets the moment or drags, two pinch. */
  Map.prototype.listen = function (canvas, map) {
    var self = this, fingers = {}, apart = 0, moved = false;
    function share(event) {
      var box = canvas.getBoundingClientRect();
      return {
        x: (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT),
        y: 1 - (event.clientY - box.top - TOP) / (box.height - TOP - BOTTOM)
      };
    }
    function to(point) {
      var view = self.view, x = view.x0 + (view.x1 - view.x0) * Math.min(1, Math.max(0, point.x));
      self.go(before(self.times, x));
    }
    function zoomed() {
      var view = self.view;
      return view.x1 - view.x0 < self.last * 0.999 || view.y1 - view.y0 < self.top * 0.999;
    }
    canvas.addEventListener('pointerdown', function (event) {
      fingers[event.pointerId] = share(event);
      try { canvas.setPointerCapture(event.pointerId); } catch (gone) { /* a made-up event */ }
      apart = 0;
      moved = false;
      if (map) canvas.focus({ preventScroll: true });
    });
    canvas.addEventListener('pointermove', function (event) {
      var old = fingers[event.pointerId], point = share(event), ids = Object.keys(fingers);
      if (!old) return;
      fingers[event.pointerId] = point;
      if (ids.length === 2) {
        var a = fingers[ids[0]], b = fingers[ids[1]];
        var distance = Math.hypot(a.x - b.x, a.y - b.y);
        if (apart > 0 && distance > 0)
          self.zoom(apart / distance, (a.x + b.x) / 2, map ? (a.y + b.y) / 2 : 0);
        apart = distance;
        moved = true;
      } else if (map && zoomed() && event.pointerType === 'mouse') {
        if (Math.hypot(point.x - old.x, point.y - old.y) > 0.002) moved = true;
        self.pan(point.x - old.x, point.y - old.y);
      } else {
        to(point);
      }
    });
    function up(event) {
      if (fingers[event.pointerId] && !moved && event.type === 'pointerup') to(share(event));
      delete fingers[event.pointerId];
      apart = 0;
    }
    canvas.addEventListener('pointerup', up);
    canvas.addEventListener('pointercancel', up);
    canvas.addEventListener('wheel', function (event) {
      if (document.activeElement !== canvas && !event.ctrlKey) return;
      event.preventDefault();
      var point = share(event);
      self.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), point.x, point.y);
    }, { passive: false });
  };

  /* ---------------------------------------------------------------- drawing */

  /* Makes a canvas as fine as the screen. */
  function fit(canvas) {
    var ratio = Math.min(2, window.devicePixelRatio || 1);
    var width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.max(1, Math.round(width * ratio));
    canvas.height = Math.max(1, Math.round(height * ratio));
    var pen = canvas.getContext('2d');
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = '11px ' + getComputedStyle(canvas).fontFamily;
    return { pen: pen, width: width, height: height, ratio: ratio };
  }

  /* Colour of the cells first..last of a sample: a locked one decides, else the mean. */
  function shade(run, sample, first, last, kinds, out) {
    var base = sample * run.cells, r = 0, g = 0, b = 0, n = 0;
    for (var i = first; i <= last; i++) {
      var kind = i < run.cells ? run.kinds[base + i] : OUTSIDE, colour = kinds[kind];
      if (kind >= LOCKED && kind < TABLE) { r = colour[0]; g = colour[1]; b = colour[2]; n = 1; break; }
      r += colour[0]; g += colour[1]; b += colour[2]; n++;
    }
    out[0] = r / n; out[1] = g / n; out[2] = b / n;
  }

  /* The picture of a run, in device pixels. */
  Map.prototype.image = function (run, width, height, paint) {
    var view = this.view, image = new ImageData(width, height), data = image.data;
    var rows = [], out = [0, 0, 0], previous = -1;
    for (var y = 0; y < height; y++) {
      var low = view.y0 + (view.y1 - view.y0) * (height - 1 - y) / height;
      var high = view.y0 + (view.y1 - view.y0) * (height - y) / height;
      var first = Math.floor(low / run.cell + 1e-9);
      rows.push([first, Math.max(first, Math.ceil(high / run.cell - 1e-9) - 1)]);
    }
    for (var x = 0; x < width; x++) {
      var sample = before(run.at, view.x0 + (view.x1 - view.x0) * (x + 0.5) / width);
      for (y = 0; y < height; y++) {
        var to = 4 * (y * width + x);
        if (sample === previous) {
          data[to] = data[to - 4]; data[to + 1] = data[to - 3]; data[to + 2] = data[to - 2];
        } else {
          shade(run, sample, rows[y][0], rows[y][1], paint.kinds, out);
          data[to] = out[0]; data[to + 1] = out[1]; data[to + 2] = out[2];
        }
        data[to + 3] = 255;
      }
      previous = sample;
    }
    var canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    canvas.getContext('2d').putImageData(image, 0, 0);
    return canvas;
  };

  /* Axes: time below, and at the left what `name` makes of y's ticks. */
  Map.prototype.axes = function (size, paint, y0, y1, list, name) {
    var pen = size.pen, view = this.view, w = size.width - LEFT - RIGHT;
    var h = size.height - TOP - BOTTOM;
    pen.strokeStyle = paint.get('--axis');
    pen.lineWidth = 1;
    pen.strokeRect(LEFT - 0.5, TOP - 0.5, w + 1, h + 1);
    pen.fillStyle = paint.get('--soft');
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    list.forEach(function (at) {
      var y = TOP + h * (1 - (at - y0) / (y1 - y0));
      pen.fillRect(LEFT - 4, Math.round(y) - 0.5, 4, 1);
      pen.fillText(name(at), LEFT - 7, Math.max(y, TOP + 5));
    });
    pen.textBaseline = 'top';
    ticks(view.x0, view.x1, 10).forEach(function (at) {
      var x = LEFT + w * (at - view.x0) / (view.x1 - view.x0);
      pen.fillRect(Math.round(x) - 0.5, size.height - BOTTOM, 1, 4);
      pen.textAlign = x > size.width - 24 ? 'right' : 'center';
      pen.fillText(short(at), x, size.height - BOTTOM + 6);
    });
  };

  /* All that depends on view, size and colours; then what depends on the moment. */
  Map.prototype.draw = function () {
    var self = this;
    this.paints = colours();
    this.runs.forEach(function (run) {
      var size = run.size = fit(run.over);
      var w = Math.round((size.width - LEFT - RIGHT) * size.ratio);
      var h = Math.round((size.height - TOP - BOTTOM) * size.ratio);
      run.picture = w > 0 && h > 0 ? self.image(run, w, h, self.paints) : null;
    });
    this.size = fit(this.curve);
    this.paint();
  };

  Map.prototype.marker = function (size) {
    var view = this.view, share = (this.times[this.at] - view.x0) / (view.x1 - view.x0);
    if (share < 0 || share > 1) return null;
    var x = LEFT + (size.width - LEFT - RIGHT) * share;
    size.pen.fillStyle = this.paints.get('--ink');
    size.pen.fillRect(x - 0.75, TOP, 1.5, size.height - TOP - BOTTOM);
    return x;
  };

  Map.prototype.paint = function () {
    var self = this, paint = this.paints, event = this.times[this.at], view = this.view;
    this.runs.forEach(function (run) {
      var size = run.size, pen = size.pen;
      pen.clearRect(0, 0, size.width, size.height);
      if (run.picture)
        pen.drawImage(run.picture, LEFT, TOP, size.width - LEFT - RIGHT,
          size.height - TOP - BOTTOM);
      self.axes(size, paint, view.y0, view.y1, ticks(view.y0, view.y1, 2), bytes);
      self.marker(size);
      self.strip(run, before(run.at, event));
      self.tell(run, before(run.event, event));
    });
    this.paintCurve();
    this.output.textContent = 'event ' + count(event) + ' of ' + count(this.last);
  };

  /* The heap at one moment: its cells in rows, as text runs. */
  Map.prototype.strip = function (run, sample) {
    var size = fit(run.now), pen = size.pen, n = Math.ceil(this.top / run.cell);
    var width = size.width - LEFT - RIGHT, rows = Math.max(1, Math.floor(size.height / 9));
    var columns = Math.ceil(n / rows), w = width / columns, h = size.height / rows;
    var gap = Math.min(w, h) > 4 ? 1 : 0;
    for (var i = 0; i < n; i++) {
      var kind = i < run.cells ? run.kinds[sample * run.cells + i] : OUTSIDE;
      var colour = this.paints.kinds[kind];
      pen.fillStyle = 'rgb(' + colour.map(Math.round).join(',') + ')';
      pen.fillRect(LEFT + i % columns * w, Math.floor(i / columns) * h, w - gap + 0.3 * !gap,
        h - 1);
    }
  };

  Map.prototype.tell = function (run, at) {
    var text = run.text;
    text.textContent = '';
    element(text, 'span', 'dot').style.background = 'var(' + run.colour + ')';
    element(text, 'b', '', run.name);
    element(text, 'span', '', ' — fragmentation ' + (run.external[at] / 10).toFixed(1) +
      '\u00a0%, largest free ' + bytes(run.largest[at]) + ' of ' + bytes(run.free[at]) +
      (run.locked[at] > 0 ? ', locked ' + bytes(run.locked[at]) : ''));
  };

  Map.prototype.paintCurve = function () {
    var size = this.size, pen = size.pen, view = this.view, paint = this.paints;
    var w = size.width - LEFT - RIGHT, h = size.height - TOP - BOTTOM, event = this.times[this.at];
    function y(permille) { return TOP + h * (1 - permille / 1000); }
    pen.clearRect(0, 0, size.width, size.height);
    pen.fillStyle = paint.get('--grid');
    [250, 500, 750].forEach(function (at) { pen.fillRect(LEFT, Math.round(y(at)), w, 1); });
    this.axes(size, paint, 0, 1000, [0, 500, 1000], function (at) { return at / 10 + ' %'; });
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, TOP - 2, w, h + 4);
    pen.clip();
    this.runs.forEach(function (run) {
      pen.strokeStyle = paint.get(run.colour);
      pen.lineWidth = 1.8;
      pen.lineJoin = 'round';
      pen.beginPath();
      run.event.forEach(function (at, i) {
        pen.lineTo(LEFT + w * (at - view.x0) / (view.x1 - view.x0), y(run.external[i]));
      });
      pen.stroke();
    });
    pen.restore();
    var x = this.marker(size);
    if (x !== null)
      this.runs.forEach(function (run) {
        pen.fillStyle = paint.get(run.colour);
        pen.beginPath();
        pen.arc(x, y(run.external[before(run.event, event)]), 4, 0, 7);
        pen.fill();
      });
    pen.fillStyle = paint.get('--soft');
    pen.textAlign = 'left';
    pen.textBaseline = 'top';
    pen.fillText('external fragmentation' + (w > 400 ? ': free memory outside its largest piece' : ''),
      LEFT + 6, TOP + 4);
  };

  /* A map is made when it comes near the window: a page may have many. */
  var near = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (!entry.isIntersecting) return;
      near.unobserve(entry.target);
      entry.target.map = new Map(entry.target.querySelector('.heapmap'));
    });
  }, { rootMargin: '800px' });
  document.querySelectorAll('.trace').forEach(function (section) {
    if (section.querySelector('.heapmap')) near.observe(section);
  });
})();
