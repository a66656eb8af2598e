//! Plans, without a server: cases for each decision, and a model of a bucket in which plans are
//! carried out, alone and in every order beside another's.

mod cases;
mod interleaved;
mod model;
