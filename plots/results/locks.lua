-- SPDX-License-Identifier: MIT
-- What Lua does while its accesses are watched: words of made-up text, a table of them, strings
-- that are built and dropped, old entries that go.
local seed = 1
local function random(n)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed // 65536 % n
end
local function word()
    local letters = {}
    for i = 1, 2 + random(6) do letters[i] = string.char(97 + random(7)) end
    return table.concat(letters)
end
local count, order, first = {}, {}, 1
for line = 1, 400 do
    local words = {}
    for i = 1, 10 do words[i] = word() end
    for w in table.concat(words, " "):gmatch("%a+") do
        if not count[w] then
            count[w] = { n = 0, lines = {} }
            order[#order + 1] = w
        end
        count[w].n = count[w].n + 1
        count[w].lines[#count[w].lines + 1] = line
    end
    for i = first, #order - 500 do count[order[i]], first = nil, i + 1 end
end
order = table.move(order, first, #order, 1, {})
table.sort(order, function(a, b)
    return count[a].n > count[b].n or count[a].n == count[b].n and a < b
end)
for i = 1, 3 do print(order[i], count[order[i]].n, #count[order[i]].lines) end
