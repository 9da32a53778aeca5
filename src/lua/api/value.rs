//! Values of Lua, as Kong's and nginx's functions read and write them.

use mlua::Value;

/// A whole number.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
        _ => None,
    }
}

/// What Lua's `type` says.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        Value::LightUserData(_) | Value::UserData(_) | Value::Error(_) => "userdata",
        other => other.type_name(),
    }
}

/// A text, number or truth as Lua's `tostring` writes it.
pub(super) fn scalar(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        #[allow(clippy::cast_precision_loss)]
        Value::Integer(number) => Some(crate::number::lua(*number as f64).into_bytes()),
        Value::Number(number) => Some(crate::number::lua(*number).into_bytes()),
        Value::Boolean(truth) => Some(truth.to_string().into_bytes()),
        _ => None,
    }
}
