//! The package track, one file a story.

mod daily;
