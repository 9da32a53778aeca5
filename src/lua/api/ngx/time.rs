//! `ngx.*`: dates and times.

use super::{Answer, Api, Args, function, none, one, plain, raise};
use crate::lua::api::value;
use crate::lua::current::Current;
use crate::lua::limits;
use crate::lua::phase::Phases;
use mlua::{Function, Lua, Table, Value};
use std::time::{Duration, SystemTime};

pub(super) const API: Api = Api::new(
    "ngx",
    &[
        plain("cookie_time", cookie_time),
        plain("http_time", http_time),
        function("localtime", Phases::ANY, |lua, cx, _| date(lua, cx, "%Y-%m-%d %H:%M:%S")),
        function("now", Phases::ANY, now),
        plain("parse_http_time", parse_http_time),
        function("time", Phases::ANY, time),
        function("today", Phases::ANY, |lua, cx, _| date(lua, cx, "%Y-%m-%d")),
        plain("update_time", |_, _| none()),
        function("utctime", Phases::ANY, |lua, cx, _| date(lua, cx, "!%Y-%m-%d %H:%M:%S")),
    ],
);

/// Since 1970: the request's beginning, and what has passed since then.
pub(super) fn since_epoch(cx: &Current) -> Duration {
    let begin = cx.cx.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    begin + limits::passed(cx.cx.now)
}

/// Seconds with milliseconds, as nginx has them.
#[allow(clippy::cast_precision_loss)]
pub(super) fn seconds(since: Duration) -> f64 {
    since.as_millis() as f64 / 1000.0
}

fn now(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, seconds(since_epoch(cx)))
}

fn time(lua: &Lua, cx: &mut Current, _: &Args) -> Answer {
    one(lua, since_epoch(cx).as_secs())
}

/// As Lua's own `os.date` writes it, which knows the time zone.
fn date(lua: &Lua, cx: &mut Current, format: &str) -> Answer {
    let os: Table = lua.globals().raw_get("os")?;
    let date: Function = os.raw_get("date")?;
    one(lua, date.call::<Value>((format, since_epoch(cx).as_secs()))?)
}

fn given(args: &Args, name: &str) -> Result<SystemTime, super::Stop> {
    let seconds = value::int(args.get(0)).and_then(|seconds| u64::try_from(seconds).ok());
    let time = seconds.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    // The last second that a date can be written of.
    match time.filter(|_| seconds < Some(253_402_300_800)) {
        Some(time) => Ok(time),
        None => raise(format!("bad argument #1 to '{name}' (number expected)")),
    }
}

fn http_time(lua: &Lua, args: &Args) -> Answer {
    one(lua, httpdate::fmt_http_date(given(args, "http_time")?))
}

/// `Thu, 18-Nov-10 11:27:35 GMT`: the same with a year of two digits, and of four from 2038 on.
fn cookie_time(lua: &Lua, args: &Args) -> Answer {
    let date = httpdate::fmt_http_date(given(args, "cookie_time")?);
    let [weekday, day, month, year, clock, zone] = *date.split(' ').collect::<Vec<_>>() else {
        return one(lua, date);
    };
    let short = year.get(2..).filter(|_| value::int(args.get(0)).is_some_and(|seconds| seconds <= 2_145_916_799));
    one(lua, format!("{weekday} {day}-{month}-{} {clock} {zone}", short.unwrap_or(year)))
}

/// Seconds since 1970; nil where it is no date.
fn parse_http_time(lua: &Lua, args: &Args) -> Answer {
    let text = args.text(0, "bad argument #1 to 'parse_http_time' (string expected)")?.to_string_lossy();
    let time = httpdate::parse_http_date(&text).ok();
    one(lua, time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok()).map(|since| since.as_secs()))
}
