//! Compresses the files that pages load, so that the program carries them ready to be sent.
use std::{env, error::Error, fs, io::Write as _, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=static");
    let target = env::var("OUT_DIR")?;
    for entry in fs::read_dir("static")? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("a name")?;
        let file = fs::File::create(Path::new(&target).join(format!("{name}.br")))?;
        let mut brotli = brotli::CompressorWriter::new(file, 4096, 11, 22);
        brotli.write_all(&fs::read(&path)?)?;
        brotli.flush()?;
    }
    Ok(())
}
