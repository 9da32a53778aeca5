//! Header blocks that are read (RFC 7541 §3, §6).

use super::field::{Entry, Field, Name};
use super::integer::{self, INDEXED, INSERTED, NEVER, PASSING, Prefix, RESIZED};
use super::table::{Entry as _, Table};
use super::{Broken, statics, string};
use crate::http1::names::Names;
use std::fmt;

/// Most bytes that are kept to decode strings into, from one block to the next.
const KEPT: usize = 4 * 1024;

/// One direction of a connection. It allocates nothing before a client's first field that is in no table.
pub struct Decoder {
    table: Table<Entry>,
    /// Bytes of the table, whatever the other side would like.
    most: usize,
    /// What is decoded of Huffman's code.
    scratch: Vec<u8>,
}

// === impl Decoder ===

impl Decoder {
    /// With a table of so many bytes: our `SETTINGS_HEADER_TABLE_SIZE`.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { table: Table::new(most), most, scratch: Vec::new() }
    }

    /// Decodes one whole block. `each` gets every field in order, and what RFC 9113 §6.5.2 counts for it: its name, its value,
    /// and 32 bytes. To read a block takes time in proportion to its size; what its fields count may be much more.
    ///
    /// # Errors
    /// When the block cannot be decoded, or what `each` says. Either leaves the table in the middle of a block, so that the
    /// connection must end: what is wrong with only one message is nothing for `each` to return.
    pub fn decode<E: From<Broken>>(
        &mut self,
        block: &[u8],
        names: &mut Names,
        mut each: impl FnMut(Field, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = block;
        self.updates(&mut rest)?;
        while let Some(first) = rest.first() {
            match first {
                0x80.. => {
                    let entry = self.entry(integer::read(&mut rest, INDEXED)?)?;
                    each(entry.field(), entry.size())?;
                }
                0x40.. => {
                    let entry = self.literal(&mut rest, INSERTED, names)?;
                    let (field, size) = (entry.field(), entry.size());
                    self.table.insert(entry);
                    each(field, size)?;
                }
                0x20.. => return Err(Broken("a table's size is changed within a header block").into()),
                first => {
                    let entry = self.literal(&mut rest, if *first < 0x10 { PASSING } else { NEVER }, names)?;
                    let size = entry.size();
                    each(entry.into_field(), size)?;
                }
            }
        }
        self.scratch.clear();
        self.scratch.shrink_to(KEPT);
        Ok(())
    }

    /// Gives up room that a connection which waits does not need.
    pub fn rest(&mut self) {
        self.scratch = Vec::new();
    }

    /// New sizes of the table, with which a block may begin (§4.2).
    fn updates(&mut self, rest: &mut &[u8]) -> Result<(), Broken> {
        while let Some(0x20..0x40) = rest.first() {
            let most = integer::read(rest, RESIZED)?;
            if most > self.most {
                return Err(Broken("a table is to be larger than it may be"));
            }
            self.table.resize(most);
        }
        Ok(())
    }

    /// What an index stands for (§2.3.3).
    fn entry(&self, index: usize) -> Result<&Entry, Broken> {
        let entry = match index.checked_sub(statics::LAST + 1) {
            Some(at) => self.table.get(at),
            None => statics::get(index),
        };
        entry.ok_or(Broken("there is nothing at an index"))
    }

    /// A field that is written out, its name perhaps by an index (§6.2).
    fn literal(&mut self, rest: &mut &[u8], prefix: Prefix, names: &mut Names) -> Result<Entry, Broken> {
        let name = match integer::read(rest, prefix)? {
            0 => Name::read(string::read(rest, &mut self.scratch)?, names),
            index => self.entry(index)?.name(),
        };
        Ok(Entry::new(name, string::read(rest, &mut self.scratch)?, prefix == NEVER))
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
