//! The tables that one request has in a VM: `kong.ctx.shared`, `kong.ctx.plugin`, `ngx.ctx`.

use mlua::{Lua, Table};

/// Tables by purpose, made when they are first asked for.
#[derive(Debug, Default)]
pub struct Session(Option<Box<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    /// Which VM they belong to: a table of another one must not be used.
    vm: u64,
    shared: Option<Table>,
    ngx: Option<Table>,
    plugins: Vec<(u64, Table)>,
}

// === impl Session ===

impl Session {
    /// Forgets what another VM holds: the worker may have got a new one since.
    pub(super) fn enter(&mut self, vm: u64) {
        if self.0.as_ref().is_some_and(|tables| tables.vm != vm) {
            self.0 = None;
        }
        if let Some(tables) = &mut self.0 {
            tables.vm = vm;
        } else {
            self.0 = Some(Box::new(Tables { vm, ..Tables::default() }));
        }
    }

    /// `kong.ctx.shared`.
    pub(super) fn shared(&mut self, lua: &Lua) -> mlua::Result<Table> {
        table(&mut self.0.get_or_insert_default().shared, lua)
    }

    /// The same, if there is one in this VM.
    pub(super) fn seen_shared(&self, vm: u64) -> Option<&Table> {
        self.0.as_ref().filter(|tables| tables.vm == vm)?.shared.as_ref()
    }

    /// `ngx.ctx`.
    pub(super) fn ngx(&mut self, lua: &Lua) -> mlua::Result<Table> {
        table(&mut self.0.get_or_insert_default().ngx, lua)
    }

    /// Another `ngx.ctx`.
    pub(super) fn set_ngx(&mut self, other: Table) {
        self.0.get_or_insert_default().ngx = Some(other);
    }

    /// `kong.ctx.shared.authenticated_groups`: groups that a chunk names, for acl.
    pub(crate) fn groups(&self) -> Option<Box<[Box<str>]>> {
        let shared = self.0.as_ref()?.shared.as_ref()?;
        let groups: Table = shared.raw_get("authenticated_groups").ok()?;
        let names = groups.sequence_values::<mlua::LuaString>().map_while(Result::ok);
        Some(names.map(|name| name.to_string_lossy().into()).collect())
    }

    /// `kong.ctx.plugin` of a plugin's instance.
    pub(super) fn plugin(&mut self, instance: u64, lua: &Lua) -> mlua::Result<Table> {
        let plugins = &mut self.0.get_or_insert_default().plugins;
        if let Some((_, table)) = plugins.iter().find(|(other, _)| *other == instance) {
            return Ok(table.clone());
        }
        let table = lua.create_table()?;
        plugins.push((instance, table.clone()));
        Ok(table)
    }
}

fn table(place: &mut Option<Table>, lua: &Lua) -> mlua::Result<Table> {
    match place {
        Some(table) => Ok(table.clone()),
        None => Ok(place.insert(lua.create_table()?).clone()),
    }
}
