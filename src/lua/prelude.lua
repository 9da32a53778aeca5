-- What has to be written in Lua. Loaded once per VM, before any chunk, with the library's own functions at hand.
-- `stopped` is true when the call that runs must end: its time is up, or the chunk ended its phase.
local stopped = ...

local pcall, xpcall, error, type = pcall, xpcall, error, type
local load, resume, wrap_coroutine = load, coroutine.resume, coroutine.wrap
local setmetatable, tostring, globals = setmetatable, tostring, _G
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

local deep_gsub = shallow(gsub)

function guarded.gsub(subject, pattern, by, ...)
  local kind = type(by)
  if kind == "string" or kind == "number" then
    return gsub(subject, pattern, by, ...)
  end
  return deep_gsub(subject, pattern, by, ...)
end

local deep_sort = shallow(sort)

function guarded.sort(list, before)
  if before == nil then
    return sort(list)
  end
  return deep_sort(list, before)
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
