-- SPDX-License-Identifier: MIT
-- What sqlite3 does while its accesses are watched: rows, an index, groups, a join, deletions.
create table item(id integer primary key, name text, kind integer, body text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000)
insert into item
select i, printf('item %d', i * 7919 % 4001), i % 23, hex(zeroblob(i * 31 % 90)) from n;
create index by_name on item(name);
select kind, count(*), sum(length(body)) from item group by kind order by 2 desc, 1 limit 3;
select count(*) from item a join item b on b.name = 'item ' || a.kind;
delete from item where id % 3 = 0;
update item set body = body || name where id % 5 = 0;
select name from item order by length(body) desc, id limit 3;
