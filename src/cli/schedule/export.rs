//! `cutover schedule export`

use super::File;
use crate::cli::conduct::give_up;
use crate::cli::output;
use crate::cli::state::State;
use crate::domain::folder_of;
use crate::error::{Failure, exit};
use crate::schedule::export::{Exported, Format, Place, files};
use crate::store::Address;
use jiff::Timestamp;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `schedule export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Scheduler to write files for.
    #[arg(long, value_enum)]
    format: Format,
    /// Folder to write the files to. Default: print them.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    file: File,
    /// Path of the file of schedules where the exported files are used. Default: its absolute path; for Kubernetes
    /// /etc/cutover/NAME, for GitHub and GitLab as given.
    #[arg(long, value_name = "FILE")]
    as_file: Option<PathBuf>,
    /// Path of the program there. Default: this program's path for systemd and cron, otherwise `cutover`.
    #[arg(long, value_name = "PATH")]
    program: Option<String>,
    /// The container image.
    #[arg(long, value_name = "IMAGE", default_value = concat!("cutover:", env!("CARGO_PKG_VERSION")))]
    image: String,
    #[command(flatten)]
    state: State,
}

/// Writes the files, or prints them.
pub fn run(args: &Args) -> Result<u8, u8> {
    let schedules = args.file.open()?;
    let place = args.place();
    place.check().map_err(|failure| give_up(&failure))?;
    let exported = files(&schedules, args.format, &place);
    let Some(folder) = &args.out else {
        output::text(&printed(&exported));
        return Ok(exit::DONE);
    };
    for file in &exported {
        let path = folder.join(&file.name);
        write(&path, &file.text).map_err(|error| {
            let failure = Failure::permanent("write the exported files", error.to_string());
            give_up(&failure.at(path.display().to_string()))
        })?;
        output::text(&format!("wrote {}\n", path.display()));
    }
    Ok(exit::DONE)
}

impl Args {
    fn place(&self) -> Place {
        let path = &self.file.path;
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let on_this_machine = matches!(self.format, Format::Systemd | Format::Cron);
        let file = self.as_file.clone().unwrap_or_else(|| match self.format {
            Format::Systemd | Format::Cron => whole(path),
            Format::Kubernetes => Path::new("/etc/cutover").join(path.file_name().unwrap_or_default()),
            Format::Github | Format::Gitlab => path.clone(),
        });
        let this = || std::env::current_exe().ok().map(|path| path.display().to_string()).filter(|_| on_this_machine);
        let program = self.program.clone().or_else(this).unwrap_or_else(|| "cutover".to_owned());
        let stated = self.state.stated().map(|stated| match stated.to_str() {
            Some(address) if Address::is_meant(address) => address.to_owned(),
            _ => whole(stated).display().to_string(),
        });
        let state = stated.unwrap_or_else(|| "/var/lib/cutover".to_owned());
        Place { program, file, state, image: self.image.clone(), now: Timestamp::now() }
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder_of(path))?;
    std::fs::write(path, text)
}

fn printed(files: &[Exported]) -> String {
    let mut text = String::new();
    for (number, file) in files.iter().enumerate() {
        let blank = if number > 0 { "\n" } else { "" };
        let _ = write!(text, "{blank}# --- {}\n{}", file.name, file.text);
    }
    text
}
