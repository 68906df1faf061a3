//! `cargo run -p strongroom-testkit --example fuzz_blocks -- --blocks N --seed S`: whole blocks of whatever anyone may send.

fn main() {
    let mut args = std::env::args().skip(1);
    let (mut blocks, mut seed) = (100, 1);
    while let (Some(name), Some(value)) = (args.next(), args.next()) {
        let value: u64 = value.parse().expect("a number");
        match name.as_str() {
            "--blocks" => blocks = value,
            "--seed" => seed = value,
            other => panic!("unknown argument {other}: --blocks N --seed S"),
        }
    }
    println!("{:?}", strongroom_testkit::fuzz::run(seed, blocks));
}
