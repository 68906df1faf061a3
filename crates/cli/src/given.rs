//! Files that users name.

use anyhow::{Context as _, ensure};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// A file of at most so many bytes.
pub(crate) fn read(file: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let name = || file.display().to_string();
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    File::open(file)
        .with_context(name)?
        .take(limit)
        .read_to_end(&mut bytes)
        .with_context(name)?;
    ensure!(
        bytes.len() <= most,
        "{}: more than {most} bytes",
        file.display()
    );
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_above_its_limit_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [7; 9]).unwrap();
        assert_eq!(read(file.path(), 9).unwrap(), [7; 9]);
        assert!(read(file.path(), 8).is_err());
    }
}
