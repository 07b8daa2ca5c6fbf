/// Options that mean the same to every command that has them.
extension ArgumentParser.Option {
  static let json = flag("json", help: "write JSON instead of text")
}
