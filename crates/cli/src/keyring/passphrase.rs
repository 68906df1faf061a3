//! Where a passphrase comes from: a file that the environment names, or the terminal, which does not show it.

use anyhow::{Context as _, bail, ensure};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use std::fs::File;
use std::io::{Read as _, Write as _};
use zeroize::Zeroizing;

/// Names a file whose first line is the passphrase, for scripts.
pub(crate) const FILE: &str = "STRONGROOM_KEYRING_PASSPHRASE_FILE";
/// The longest passphrase in bytes.
const BYTES_MAX: usize = 1_024;
/// The shortest new one, in characters.
const CHARACTERS_MIN: usize = 8;

/// The passphrase of a key that is there.
pub(crate) fn ask(what: &str) -> anyhow::Result<Zeroizing<String>> {
    match given()? {
        Some(passphrase) => Ok(passphrase),
        None => ask_silently(&format!("Passphrase of {what}: ")),
    }
}

/// A new passphrase, which a terminal is asked for twice.
pub(crate) fn ask_new(what: &str) -> anyhow::Result<Zeroizing<String>> {
    let (passphrase, again) = match given()? {
        Some(passphrase) => (passphrase.clone(), passphrase),
        None => (
            ask_silently(&format!("New passphrase for {what}: "))?,
            ask_silently("Once more: ")?,
        ),
    };
    ensure!(
        passphrase == again,
        "keyring.passphrase: these are two different passphrases"
    );
    ensure!(
        passphrase.chars().count() >= CHARACTERS_MIN,
        "keyring.passphrase: a passphrase has {CHARACTERS_MIN} characters or more"
    );
    Ok(passphrase)
}

/// That of the file.
fn given() -> anyhow::Result<Option<Zeroizing<String>>> {
    let Some(path) = std::env::var_os(FILE) else {
        return Ok(None);
    };
    let name = || format!("keyring.passphrase: {FILE}: {}", path.display());
    let mut bytes = Zeroizing::new(Vec::with_capacity(BYTES_MAX + 1));
    let file = File::open(&path).with_context(name)?;
    file.take(BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(name)?;
    let line = bytes.split(|b| matches!(b, b'\n' | b'\r')).next();
    let line = line.filter(|line| line.len() <= BYTES_MAX);
    let line = line.and_then(|line| std::str::from_utf8(line).ok());
    let line = line.with_context(|| {
        format!(
            "{}: its first line is no text of at most {BYTES_MAX} bytes",
            name()
        )
    })?;
    Ok(Some(Zeroizing::new(line.to_owned())))
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn new(terminal: File) -> anyhow::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        // Byte by byte, Ctrl-C among them: a process that it ended would leave the terminal silent.
        silent.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        let _ = self.terminal.write_all(b"\n");
    }
}

/// What is typed at the terminal, which does not show it.
pub(crate) fn ask_silently(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    let opened = File::options().read(true).write(true).open("/dev/tty");
    let Ok(mut terminal) = opened else {
        bail!(
            "keyring.no_terminal: there is no terminal to ask for it: {FILE} names a file with the passphrase"
        );
    };
    terminal.write_all(prompt.as_bytes())?;
    let mut silent = Silent::new(terminal)?;
    let mut typed = Zeroizing::new(Vec::with_capacity(BYTES_MAX));
    let mut byte = [0];
    loop {
        let read = silent.terminal.read(&mut byte)?;
        match (read, byte[0]) {
            (0, _) | (_, b'\n' | b'\r' | 0x04) => break,
            (_, 0x03) => bail!("keyring.interrupted: nothing was done"),
            // Backspace takes a character, Ctrl-U all of them.
            (_, 0x08 | 0x7f) => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            (_, 0x15) => typed.clear(),
            (_, byte) if typed.len() < BYTES_MAX => typed.push(byte),
            _ => bail!("keyring.passphrase: a passphrase has {BYTES_MAX} bytes or fewer"),
        }
    }
    let text =
        std::str::from_utf8(&typed).context("keyring.passphrase: a passphrase is text in UTF-8")?;
    Ok(Zeroizing::new(text.to_owned()))
}
