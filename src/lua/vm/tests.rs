#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

/// Calls every function of patterns, from the prelude and from LuaJIT, and gives what each said.
const COMPARE: &str = r#"
local own, subject, pattern, by, init = ...
local function said(lib)
  local out = {}
  local function note(ok, ...)
    out[#out + 1] = tostring(ok)
    for i = 1, select('#', ...) do
      local text = tostring((select(i, ...)))
      out[#out + 1] = ok and text or text:gsub('^[^:]+:%d+: ', '')
    end
  end
  note(pcall(lib.find, subject, pattern, init))
  note(pcall(lib.match, subject, pattern, init))
  note(pcall(function()
    for a, b in lib.gmatch(subject, pattern) do
      out[#out + 1] = tostring(a) .. ',' .. tostring(b)
    end
  end))
  for _, value in ipairs{by, {a = 'A', b = false, [1] = 'one'}, function(a, b) return b and a .. '<' .. b or nil end} do
    note(pcall(lib.gsub, subject, pattern, value))
    note(pcall(lib.gsub, subject, pattern, value, init))
  end
  return table.concat(out, '\n')
end
return said(own), said(string)
"#;

struct Both {
    lua: Lua,
    own: Table,
}

impl Both {
    fn new() -> Self {
        let lua = Lua::new();
        let stopped = lua.create_function(|_, ()| Ok(false)).unwrap();
        let prelude: Table = lua.load(include_str!("../prelude.lua")).set_name("=prelude").call(stopped).unwrap();
        let scan = scan(&lua, &Rc::default()).unwrap();
        let own = prelude.raw_get::<Function>("patterns").unwrap().call((scan, 0)).unwrap();
        Self { lua, own }
    }

    fn compare(&self, subject: &str, pattern: &str, by: &str, init: i64) {
        let call = self.lua.load(COMPARE).set_name("=compare").into_function().unwrap();
        let (own, theirs): (String, String) = call.call((&self.own, subject, pattern, by, init)).unwrap();
        // LuaJIT does not notice while the group is not asked for.
        if own.contains("unfinished capture") {
            return;
        }
        assert_eq!(own, theirs, "{subject:?} {pattern:?} {by:?} {init}");
    }
}

#[test]
fn patterns_are_what_they_are_in_luajit() {
    let both = Both::new();
    for (subject, pattern, by) in [
        ("hello world", "o", "0"),
        ("hello world", "(o)(.?)", "%2%1%0%%"),
        ("abc", "%w*", "x"),
        ("abc", "", "-"),
        ("abc", "^a", "%1"),
        ("abc", "()", "%1"),
        ("abc", "b", "%2"),
        ("abc", "(b", "x"),
        ("a,b,,c", "([^,]*)", "<%1>"),
        ("ab ab", "^%s*(.-)%s*$", "[%1]"),
        ("abab", "a-b?", "."),
    ] {
        for init in [-20, -2, 0, 1, 2, 4, 5, 20] {
            both.compare(subject, pattern, by, init);
        }
    }
}

proptest! {
    #[test]
    fn any_pattern_is_what_it_is_in_luajit(
        subject in "[ab1 (]{0,10}",
        pattern in r"\^?([ab(]|\(\)|[)$.*+?-]|%[afsw1]|\[\^?ab\]){0,6}",
        by in "(%[0-2%]|[ab]){0,3}",
        init in -12..12_i64,
    ) {
        Both::new().compare(&subject, &pattern, &by, init);
    }
}
