//! Strict reading of a JSON object (RFC 8259, RFC 7515 §5.2): one object, nothing after it,
//! no member twice at any depth, no more than eight levels. Two readers of one token must never
//! see different claims.
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::JoseError;

/// How many objects and arrays may lie inside one another, the outermost included.
pub const MAX_DEPTH: u8 = 8;

/// Reads one JSON object.
///
/// # Errors
/// [`JoseError::DuplicateMember`], [`JoseError::TooDeep`], and [`JoseError::Malformed`] for the rest.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, JoseError> {
    let fault = Cell::new(JoseError::Malformed);
    let seed = Strict {
        levels: MAX_DEPTH,
        fault: &fault,
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = seed.deserialize(&mut reader).map_err(|_| fault.get())?;
    reader.end().map_err(|_| JoseError::Malformed)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(JoseError::Malformed),
    }
}

/// Reads a value that may open `levels` further containers; says why in `fault` when it stops.
#[derive(Clone, Copy)]
struct Strict<'a> {
    levels: u8,
    fault: &'a Cell<JoseError>,
}

impl Strict<'_> {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(self.refuse(JoseError::TooDeep)),
        }
    }

    fn refuse<E: serde::de::Error>(self, fault: JoseError) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inside()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(self.refuse(JoseError::DuplicateMember));
            }
        }
        Ok(Value::Object(object))
    }
}
