#[path = "../codegen/mod.rs"]
mod codegen;
fn main() -> anyhow::Result<()> {
    codegen::run(std::env::args().any(|a| a == "--check"))
}
