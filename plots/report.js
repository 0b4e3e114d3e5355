/* SPDX-License-Identifier: MIT */
/* What a report does by itself: tables that sort. Its heap maps are in report-map.js. */
(function () {
  'use strict';

  /* ---------------------------------------------------------------- tables */

  function value(row, column) {
    var cell = row.cells[column];
    if (cell.className === 'none') return null;
    return cell.dataset.value !== undefined ? Number(cell.dataset.value) : cell.textContent;
  }

  function sort(table, column) {
    var heads = table.tHead.rows[0].cells, body = table.tBodies[0];
    var up = heads[column].getAttribute('aria-sort') !== 'ascending';
    Array.prototype.forEach.call(heads, function (head) { head.removeAttribute('aria-sort'); });
    heads[column].setAttribute('aria-sort', up ? 'ascending' : 'descending');
    Array.prototype.slice.call(body.rows).map(function (row) {
      return { row: row, value: value(row, column) };
    }).sort(function (a, b) {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
      var order = typeof a.value === 'number' && typeof b.value === 'number'
        ? a.value - b.value : String(a.value).localeCompare(String(b.value));
      return up ? order : -order;
    }).forEach(function (item) { body.appendChild(item.row); });
  }

  document.querySelectorAll('table.sortable').forEach(function (table) {
    table.classList.add('ready');
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
      head.tabIndex = 0;
      head.addEventListener('click', function () { sort(table, column); });
      head.addEventListener('keydown', function (event) {
        if (event.key === 'Enter') sort(table, column);
      });
    });
  });

  window.addEventListener('beforeprint', function () {
    document.querySelectorAll('details.more').forEach(function (more) { more.open = true; });
  });
})();
