//! What a reviewer and a pipeline are shown: the linter, its formats, and the repository that `init` writes.

mod allow;
mod comments;
mod desk;
mod explain;
mod formats;
mod grants;
mod init;
mod recipes;
mod shipped;
mod table;
