-- What has to be written in Lua. Loaded once per VM, before any chunk, with the library's own functions at hand.
-- `stopped` is true when the call that runs must end: its time is up, or the chunk ended its phase.
local stopped = ...

local pcall, xpcall, error, type = pcall, xpcall, error, type
local load, resume, wrap_coroutine = load, coroutine.resume, coroutine.wrap
local setmetatable, tostring, select, globals = setmetatable, tostring, select, _G
local gsub, sort = string.gsub, table.sort

-- An error that ends a call cannot be caught by the chunk.
local function caught(ok, ...)
  if not ok and stopped() then
    error((...), 0)
  end
  return ok, ...
end

local guarded = {}

function guarded.pcall(...)
  return caught(pcall(...))
end

-- What calls back from C, or goes on in another coroutine, takes some of the thread's stack each time, and Lua does not
-- watch that: this does.
local DEEPEST = 40
local depth = 0

local function risen(before, ok, ...)
  depth = before
  if not ok then
    error((...), 0)
  end
  return ...
end

local function shallow(call)
  return function(...)
    if depth >= DEEPEST then
      error("C stack overflow", 2)
    end
    local before = depth
    depth = depth + 1
    return risen(before, pcall(call, ...))
  end
end

function guarded.xpcall(f, handler, ...)
  return caught(xpcall(f, shallow(function(err)
    if stopped() then
      return err
    end
    return handler(err)
  end), ...))
end

local deep_resume = shallow(resume)

function guarded.resume(...)
  return caught(deep_resume(...))
end

function guarded.wrap(f)
  return shallow(wrap_coroutine(f))
end

-- A sort without a function is long, too, when there is much to sort.
local deep_sort = shallow(sort)

function guarded.sort(list, before)
  if before == nil and type(list) == "table" then
    if #list <= 10000 then
      return sort(list)
    end
    before = function(one, other)
      return one < other
    end
  end
  return deep_sort(list, before)
end

-- LuaJIT matches patterns where no hook runs, and one can take longer than anybody waits. Those that may take more than
-- `most` steps are matched by `scan` instead, which can be stopped.
local function patterns(scan, most)
  local find, match, gmatch, gsub = string.find, string.match, string.gmatch, string.gsub
  local byte, sub, concat, tonumber, floor = string.byte, string.sub, table.concat, tonumber, math.floor
  local deep_gsub = shallow(gsub)
  local weights, known = {}, 0

  local function count(pattern, what)
    local _, times = gsub(pattern, what, "")
    return times
  end

  -- How often a pattern may go over its subject, and what each time may cost.
  local function weight(pattern)
    local found = weights[pattern]
    if not found then
      if known == 256 then
        weights, known = {}, 0
      end
      local power = count(pattern, "[*+-]") + count(pattern, "%%b") + (byte(pattern) == 94 and 0 or 1)
      found = { power, #pattern * 2 ^ count(pattern, "%?") }
      weights[pattern], known = found, known + 1
    end
    return found[1], found[2]
  end

  local function is_light(subject, pattern)
    if type(subject) ~= "string" or type(pattern) ~= "string" then
      return true
    end
    local power, cost = weight(pattern)
    return (#subject + 1) ^ power * cost <= most
  end

  -- The next match at or behind a byte, with the groups.
  local function checked(start, finish, ...)
    if start then
      return start, finish, ...
    end
    if finish then
      error(finish, 3)
    end
    return nil
  end

  local function next_match(subject, pattern, from)
    if byte(pattern) == 94 then
      return checked(scan(subject, sub(pattern, 2), from, true))
    end
    return checked(scan(subject, pattern, from, false))
  end

  local function first(subject, init)
    init = init == nil and 1 or tonumber(init)
    if not init then
      return nil
    end
    init = init < 0 and init + #subject + 1 or init
    return init < 1 and 1 or floor(init)
  end

  -- Groups, or all of the match where there are none.
  local function taken(subject, start, finish, ...)
    if start == nil then
      return nil
    end
    if select("#", ...) == 0 then
      return sub(subject, start, finish)
    end
    return ...
  end

  local own = {}

  function own.find(subject, pattern, init, plain)
    local from = type(subject) == "string" and first(subject, init)
    if plain or not from or is_light(subject, pattern) or not find(pattern, "[%^%$%*%+%?%.%(%[%%%-]") then
      return find(subject, pattern, init, plain)
    end
    return next_match(subject, pattern, from)
  end

  function own.match(subject, pattern, init)
    local from = type(subject) == "string" and first(subject, init)
    if not from or is_light(subject, pattern) then
      return match(subject, pattern, init)
    end
    return taken(subject, next_match(subject, pattern, from))
  end

  function own.gmatch(subject, pattern)
    if is_light(subject, pattern) then
      return gmatch(subject, pattern)
    end
    local from = 1
    local function go_on(start, finish, ...)
      if start then
        from = finish < start and start + 1 or finish + 1
      else
        from = #subject + 2
      end
      return taken(subject, start, finish, ...)
    end
    return function()
      return go_on(checked(scan(subject, pattern, from, false)))
    end
  end

  -- What `%1` and so on stand for.
  local function expanded(by, whole, ...)
    local groups, number = { ... }, select("#", ...)
    return (gsub(by, "%%(.?)", function(key)
      if key == "0" then
        return whole
      end
      local at = key ~= "" and tonumber(key)
      if not at then
        return key
      end
      if at == 1 and number == 0 then
        return whole
      end
      if at > number then
        error("invalid capture index", 4)
      end
      return tostring(groups[at])
    end))
  end

  local function replaced(by, kind, whole, ...)
    local value
    if kind == "string" then
      return expanded(by, whole, ...)
    elseif select("#", ...) > 0 then
      value = kind == "table" and by[(...)]
      if kind == "function" then
        value = by(...)
      end
    elseif kind == "table" then
      value = by[whole]
    else
      value = by(whole)
    end
    if not value then
      return whole
    end
    local made = type(value)
    if made ~= "string" and made ~= "number" then
      error("invalid replacement value (a " .. made .. ")", 3)
    end
    return value
  end

  local function substitute(subject, pattern, by, kind, limit)
    local pieces, at, times = {}, 1, 0
    local function put(start, finish, ...)
      if start == nil then
        return false
      end
      pieces[#pieces + 1] = sub(subject, at, start - 1)
      pieces[#pieces + 1] = replaced(by, kind, sub(subject, start, finish), ...)
      times = times + 1
      if finish < start then
        pieces[#pieces + 1] = sub(subject, start, start)
        finish = start
      end
      at = finish + 1
      return byte(pattern) ~= 94
    end
    while times < limit and at <= #subject + 1 and put(next_match(subject, pattern, at)) do
    end
    pieces[#pieces + 1] = sub(subject, at)
    return concat(pieces), times
  end

  function own.gsub(subject, pattern, by, limit)
    local kind = type(by)
    if kind == "number" then
      by, kind = tostring(by), "string"
    end
    local known_kind = kind == "string" or kind == "table" or kind == "function"
    local most_times = limit == nil and #tostring(subject) + 1 or tonumber(limit)
    if known_kind and most_times and not is_light(subject, pattern) then
      return substitute(subject, pattern, by, kind, most_times)
    end
    if kind == "string" then
      return gsub(subject, pattern, by, limit)
    end
    return deep_gsub(subject, pattern, by, limit)
  end

  return own
end

-- What is no text is not checked, and can do anything.
function guarded.load(chunk, name, _, ...)
  return load(chunk, name, "t", ...)
end

function guarded.loadstring(chunk, name)
  return load(chunk, name, "t")
end

-- A native function answers whether it succeeded: true and its results; false and a message, which is raised where it
-- was called; or nil, when it ends the phase.
local function settle(ok, ...)
  if ok then
    return ...
  end
  if ok == false then
    error((...), 2)
  end
  error("the phase has ended", 0)
end

local function wrap(native)
  return function(...)
    return settle(native(...))
  end
end

-- A table whose missing keys are looked up, and whose keys are set, by native functions.
local function dynamic(table, get, set)
  return setmetatable(table, {
    __index = get and function(_, key)
      return settle(get(key))
    end,
    __newindex = set and function(_, key, value)
      return settle(set(key, value))
    end,
    __metatable = false,
  })
end

-- A library that can be read and not changed.
local function protected(name, library)
  return setmetatable({}, {
    __index = library,
    __newindex = function(_, key)
      error("Can not modify " .. name .. "." .. tostring(key) .. ". Protected by the sandbox.", 2)
    end,
    __metatable = false,
  })
end

-- A table that is read through, as Kong's sandbox gives those of untrusted_lua_sandbox_environment.
local function copied(table)
  return setmetatable({}, { __index = table })
end

-- `require` of the modules that are allowed: a set of names.
local function requirer(allowed)
  return function(name)
    if not allowed[name] then
      error("require '" .. tostring(name) .. "' not allowed within sandbox", 2)
    end
    return globals.require(name)
  end
end

-- A table of request headers: case is ignored, and `_` finds `-`.
local rawget, lower = rawget, string.lower
local fold = {
  __index = function(headers, name)
    return rawget(headers, (gsub(lower(name), "_", "-")))
  end,
  __metatable = false,
}

local function folded(headers)
  return setmetatable(headers, fold)
end

-- What templates look up, while one is rendered: `look` asks for a name, `found` keeps what it said.
local look, found

local function template(more)
  return setmetatable({}, {
    __index = function(_, name)
      local value = found[name]
      if value == nil then
        value = look(name)
        found[name] = value
      end
      if value == nil then
        return more[name]
      end
      return value
    end,
    __newindex = function()
      error("This environment is read-only.", 2)
    end,
    __metatable = false,
  })
end

-- A value as a template writes it. An address in memory is nobody's business.
local function written(value)
  local kind = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" then
    return tostring(value)
  end
  return kind .. ": 0x00000000"
end

local function rendered(ok, ...)
  look, found = nil, nil
  if not ok then
    error((...), 0)
  end
  return ...
end

local function render(chunk, ask)
  depth = 0
  look, found = ask, {}
  return rendered(pcall(chunk, written))
end

return {
  folded = folded,
  template = template,
  render = render,
  guarded = guarded,
  patterns = patterns,
  wrap = wrap,
  shallow = shallow,
  dynamic = dynamic,
  protected = protected,
  copied = copied,
  requirer = requirer,
  -- Forgets how deep the last call was.
  surface = function()
    depth = 0
  end,
}
