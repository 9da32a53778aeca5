//! Sizes of memory as `/status` tells them: `?unit=b`, `k`, `m` or `g`, and `?scale=` digits after the point
//! (`kong/tools/string.lua`, `bytes_to_str`). Pure.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

/// Most digits after the point.
const DIGITS: usize = 14;

/// How sizes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its name, and how many times 1024 is multiplied by itself for it; `None` is bytes.
    name: Option<(&'static str, i32)>,
    digits: usize,
}

// === impl Unit ===

impl Unit {
    /// The one that a request asks for, or what is wrong with it.
    pub(super) fn asked(asked: &Request<Bytes>) -> Result<Self, String> {
        let query = asked.uri().query().unwrap_or_default();
        let argument = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        let unit = argument("unit").map_or("m".into(), |(_, unit)| unit);
        let name = match &*unit.to_ascii_lowercase() {
            "b" => None,
            "k" => Some(("KiB", 1)),
            "m" => Some(("MiB", 2)),
            "g" => Some(("GiB", 3)),
            _ => return Err(format!("invalid unit '{unit}' (expected 'k/K', 'm/M', or 'g/G')")),
        };
        let Some((_, scale)) = argument("scale") else { return Ok(Self { name, digits: 2 }) };
        let digits = scale.parse().ok().filter(|digits| *digits <= DIGITS);
        digits
            .map(|digits| Self { name, digits })
            .ok_or_else(|| format!("invalid scale '{scale}' (expected 0 to {DIGITS})"))
    }

    /// A number of bytes.
    pub(super) fn told(self, bytes: u64) -> Value {
        let Some((name, power)) = self.name else { return bytes.into() };
        // A size in memory is far below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let size = bytes as f64 / 1024_f64.powi(power);
        format!("{size:.*} {name}", self.digits).into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn told(query: &str) -> Result<Value, String> {
        let asked = Request::builder().uri(format!("/status?{query}")).body(Bytes::new()).unwrap();
        Unit::asked(&asked).map(|unit| unit.told(78_391_542))
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_is_asked_for() {
        assert_eq!(told("").unwrap(), "74.76 MiB");
        assert_eq!(told("unit=b&scale=9").unwrap(), 78_391_542);
        assert_eq!(told("unit=K&scale=0").unwrap(), "76554 KiB");
        assert_eq!(told("unit=g&scale=3").unwrap(), "0.073 GiB");
        assert_eq!(told("unit=x").unwrap_err(), "invalid unit 'x' (expected 'k/K', 'm/M', or 'g/G')");
        assert_eq!(told("scale=99").unwrap_err(), "invalid scale '99' (expected 0 to 14)");
    }
}
